"""The codebook: what each variable of a study is called, how it is coded, and what values it may take."""

from collections.abc import Mapping
from typing import Literal, Self

import polars as pl
from pydantic import ConfigDict, RootModel, model_validator

from biolab.core import ConfigError, did_you_mean
from biolab.core.validation import Settings

Language = Literal["en", "ko"]
VariableType = Literal["number", "integer", "category", "boolean", "text"]
Role = Literal["id", "time", "event", "covariate"]


class Label(Settings):
    """A text in every language a report can be read in; a plain string serves for all of them.

    >>> Label.model_validate({"en": "Age", "ko": "나이"})["ko"]
    '나이'
    """

    en: str
    ko: str

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, content: object) -> object:
        return {"en": content, "ko": content} if isinstance(content, str) else content

    def __getitem__(self, language: Language) -> str:
        return self.ko if language == "ko" else self.en


class Variable(Settings):
    """One variable of the harmonised frame.

    Numbers carry a unit and a range (both ends included); categories carry their codes in order, the first being the
    reference of every model, and may carry a label for each code. ``nulls`` says whether a value may be missing: left
    out, covariates may (what then happens is the protocol's missing policy) and identifier, time and event may not.
    """

    name: str
    label: Label
    type: VariableType
    unit: str | None = None
    unit_label: Label | None = None
    codes: tuple[str, ...] = ()
    code_labels: Mapping[str, Label] = {}
    minimum: float | None = None
    maximum: float | None = None
    role: Role = "covariate"
    nulls: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _label_by_name(cls, content: object) -> object:
        if isinstance(content, Mapping) and "name" in content:
            return {"label": content["name"], **content}
        return content

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.type == "category") != bool(self.codes):
            raise ValueError("codes belong to a variable of type 'category', and only to it")
        for code in self.code_labels:
            if code not in self.codes:
                raise ValueError(f"code_labels names {code!r}, which is no code. {did_you_mean(code, self.codes)}")
        if len(set(self.codes)) < len(self.codes):
            raise ValueError(f"codes holds a code twice: {', '.join(self.codes)}")
        if self.type not in {"number", "integer"} and not (self.minimum is None and self.maximum is None):
            raise ValueError("minimum and maximum belong to variables of type 'number' or 'integer'")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum:g} is above maximum {self.maximum:g}")
        self._check_role()
        return self

    def _check_role(self) -> None:
        wanted: dict[str, tuple[str, ...]] = {
            "id": ("text",),
            "time": ("number",),
            "event": ("boolean",),
            "covariate": ("number", "integer", "category", "boolean"),
        }
        if self.type not in wanted[self.role]:
            raise ValueError(
                f"type {self.type!r} cannot have role {self.role!r}; it needs {_either(wanted[self.role])}"
            )
        if self.role == "time" and self.unit is None:
            raise ValueError("a variable of role 'time' needs a unit, for example 'month'")
        if self.role != "covariate" and self.nulls:
            raise ValueError(f"a variable of role {self.role!r} can never be missing; leave nulls out")

    def code_label(self, code: str) -> Label:
        """Return what a reader calls a code; the code itself if it has no label."""
        return self.code_labels.get(code, Label(en=code, ko=code))

    @property
    def said_unit(self) -> Label:
        """What a reader calls the unit; the unit itself if it has no label, nothing if there is none."""
        return self.unit_label or Label(en=self.unit or "", ko=self.unit or "")

    @property
    def allows_nulls(self) -> bool:
        """Whether a value of this variable may be missing."""
        return self.role == "covariate" if self.nulls is None else self.nulls

    @property
    def dtype(self) -> pl.DataType:
        """The polars type of the variable in the harmonised frame."""
        types: dict[str, pl.DataType] = {
            "number": pl.Float64(),
            "integer": pl.Int64(),
            "boolean": pl.Boolean(),
            "text": pl.String(),
        }
        return pl.Enum(self.codes) if self.type == "category" else types[self.type]


class Codebook(RootModel[dict[str, Variable]]):
    """The variables of a study by name, in order; reads TOML tables ``[codebook.age]`` as they stand.

    >>> codebook = Codebook.model_validate(
    ...     {
    ...         "age": {"type": "number", "unit": "year", "minimum": 18, "maximum": 110},
    ...         "grade": {"type": "category", "codes": ["1-2", "3"]},
    ...     }
    ... )
    >>> codebook.frame_schema["grade"]
    Enum(categories=['1-2', '3'])
    >>> [variable.name for variable in codebook.covariates]
    ['age', 'grade']
    """

    model_config = ConfigDict(frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _name_tables(cls, content: object) -> object:
        if not isinstance(content, Mapping):
            return content
        return {
            name: {"name": name, **table} if isinstance(table, Mapping) else table for name, table in content.items()
        }

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.root:
            raise ValueError("a codebook needs at least one variable")
        for name, variable in self.root.items():
            if variable.name != name:
                raise ValueError(f"{name} holds a variable that names itself {variable.name!r}; leave name out")
        for role in ("id", "time", "event"):
            names = [variable.name for variable in self.variables if variable.role == role]
            if len(names) > 1:
                raise ValueError(f"only one variable can have role {role!r}, not {_either(tuple(names), 'and')}")
        return self

    @property
    def variables(self) -> tuple[Variable, ...]:
        """All variables in the order of the codebook."""
        return tuple(self.root.values())

    @property
    def covariates(self) -> tuple[Variable, ...]:
        """The variables of role covariate."""
        return tuple(variable for variable in self.variables if variable.role == "covariate")

    @property
    def frame_schema(self) -> pl.Schema:
        """The names and polars types of the harmonised frame."""
        return pl.Schema({variable.name: variable.dtype for variable in self.variables})

    @property
    def id(self) -> Variable:
        """The variable that tells patients apart."""
        return self._by_role("id")

    @property
    def time(self) -> Variable:
        """The follow-up time of the endpoint."""
        return self._by_role("time")

    @property
    def event(self) -> Variable:
        """Whether the endpoint was observed."""
        return self._by_role("event")

    def __getitem__(self, name: str) -> Variable:
        if name not in self.root:
            raise ConfigError(f"The codebook has no variable {name!r}. {did_you_mean(name, self.root)}")
        return self.root[name]

    def __contains__(self, name: object) -> bool:
        return name in self.root

    def _by_role(self, role: Role) -> Variable:
        for variable in self.variables:
            if variable.role == role:
                return variable
        raise ConfigError(f"The codebook has no variable of role {role!r}. Give one variable role = {role!r}.")


def _either(names: tuple[str, ...], word: str = "or") -> str:
    quoted = [repr(name) for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} {word} {quoted[-1]}"
