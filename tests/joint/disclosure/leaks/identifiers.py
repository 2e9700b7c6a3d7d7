"""Identifiers and free text."""

import hashlib

import polars as pl

from biolab.joint.disclosure.gate import Leaving

from .world import World, leak


@leak
def numbering_of_patients(world: World) -> Leaving:
    return pl.DataFrame({"code": [f"BRC-{i:04d}" for i in range(12)], "estimate": [0.5] * 12})


@leak
def hashed_identifiers(world: World) -> Leaving:
    digest = hashlib.sha256(world.frame["patient"][0].encode()).hexdigest()
    return world.json({"member": digest})


@leak
def identifier_in_file_name(world: World) -> Leaving:
    world.json({"auc": 0.7}, f"run/roc-{world.frame['patient'][5]}.json")
    return world.folder / "run"


@leak
def identifier_in_tag(world: World) -> Leaving:
    return {"tags": {"worst": str(world.frame["patient"][9])}}


@leak
def identifier_in_exception_text(world: World) -> Leaving:
    return {"tags": {"biolab.failure": f"ValueError: row of {world.frame['patient'][9]} is singular"}}


@leak
def record_number(world: World) -> Leaving:
    return {"tags": {"case": "MRN: 00482913"}}


@leak
def e_mail_address(world: World) -> Leaving:
    return world.json({"contact": "kim.minji@example.org"})


@leak
def korean_resident_number(world: World) -> Leaving:
    return world.json({"key": "850101-2123456"})


@leak
def resident_number_without_hyphen(world: World) -> Leaving:
    return world.json({"key": "8501012123450"})


@leak
def social_security_number(world: World) -> Leaving:
    return {"params": {"of": "078-05-1120"}}


@leak
def korean_telephone_number(world: World) -> Leaving:
    return world.file("notes.md", "문의: 010-1234-5678")


@leak
def american_telephone_number(world: World) -> Leaving:
    return world.file("notes.md", "Call (410) 555-0199 for more.")


@leak
def date_of_birth(world: World) -> Leaving:
    return pl.DataFrame({"term": ["age"], "dob": ["1961-04-02"]})


@leak
def dates_under_another_name(world: World) -> Leaving:
    return pl.DataFrame({"site": ["north", "south"], "of": ["14/03/1950", "02/11/1961"]})


@leak
def korean_date(world: World) -> Leaving:
    return world.file("notes.md", "수술은 2019년 3월 14일")


@leak
def date_in_words(world: World) -> Leaving:
    return world.file("notes.md", "Operated on 14 March 2019.")


@leak
def column_of_dates(world: World) -> Leaving:
    return pl.DataFrame({"site": ["north"], "of": ["2020-01-05"]}).with_columns(pl.col("of").str.to_date())


@leak
def free_text_column(world: World) -> Leaving:
    return pl.DataFrame(
        {"level": ["tall woman from the village by the lake, twins", "retired teacher"], "estimate": [0.1, 0.2]}
    )


@leak
def notes_column(world: World) -> Leaving:
    return pl.DataFrame({"site": ["north"], "clinical_notes": [""]})


@leak
def names_of_people(world: World) -> Leaving:
    return pl.DataFrame({"surname": ["Kim", "Lee"], "estimate": [0.1, 0.2]})
