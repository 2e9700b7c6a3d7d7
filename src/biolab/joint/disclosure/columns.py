"""What the name of a column, key or metric says it holds: people, counts, shares, extremes, dates, or rows."""

import re
from functools import cache


def names_in(text: str) -> frozenset[str]:
    """Return the words of a list of names.

    >>> sorted(names_in("min max"))
    ['max', 'min']
    """
    return frozenset(text.split())


_IDENTIFIERS = names_in("""
    patient patient_id patientid patient_no pid pat_id subject subject_id subjectid subjid usubjid
    participant participant_id mrn medical_record_number record_id case_id caseid chart chart_no
    chart_number hospital_number hospital_id ssn rrn nhs_number person person_id person_source_value
    individual individual_id iid fid sample sample_id sampleid barcode encounter encounter_id
    visit_id admission_id accession study_id row_id rowid row_nr row_index __index_level_0__
    name_first first_name last_name surname family_name given_name full_name patient_name email
    e_mail phone telephone mobile address street zip zipcode zip_code postcode postal_code ip
    ip_address 환자 환자번호 등록번호 차트번호 병록번호 주민등록번호 주민번호
    이름 성명 전화 전화번호 주소 우편번호 이메일
""")
_DATES = names_in("""
    date dob birth birthdate birth_date date_of_birth birthday admission admitted discharge discharged
    diagnosis_date date_of_death death_date surgery_date visit_date operation_date timestamp datetime last_seen
    날짜 일자 생년월일 입원일 퇴원일 수술일 진단일 사망일 방문일
""")
_FREE_TEXT = names_in("""
    note notes comment comments remark remarks narrative report free_text freetext history impression findings
    memo 메모 비고 소견 기록 의견
""")
_EXTREMES = names_in("""
    min max minimum maximum smallest largest lowest highest youngest oldest range extreme extremes outlier
    outliers p0 p100 q0 q100 percentile_0 percentile_100 quantile_0 quantile_1 first_event last_event
    last_follow_up longest shortest 최소 최대 최솟값 최댓값 최소값 최대값 범위
""")
_EVENTS = names_in("""
    events event_count n_events deaths n_deaths died num_events n_event 사건 사건수 사망 사망수
""")
_PATIENTS = names_in("""
    patients n n_patients patient_count count counts number num total totals frequency freq cases controls
    subjects participants people persons support n_obs nobs observations size_n len 환자수 인원 명수 빈도 건수 수 계
""")
_OTHER_COUNTS = names_in("""
    at_risk n_at_risk n_risk number_at_risk num_at_risk dropped remaining excluded included censored n_censored
    lost withdrawn missing n_missing tp fp tn fn true_positives false_positives true_negatives false_negatives
    n_node_samples exposed unexposed treated untreated 탈락 남음 제외 결측 위험집합
""")
_SHARES = names_in("""
    percent pct percentage proportion share fraction prevalence rate_percent 백분율 비율 퍼센트
""")
_PREDICTIONS = names_in("""
    residual residuals martingale deviance_residual schoenfeld dfbeta dfbetas leverage cooks_distance influence
    prediction predictions predicted_risk risk_score risk_scores linear_predictor score scores prob probability
    y_true y_pred y_score truth label_true propensity weight_ipcw ipcw 잔차 예측 예측값
""")
_INDEX_KEYS = names_in("""
    site train_site test_site model reference role protocol metric method kind statistic status package
""")
KEY_NUMBERS = names_in("""
    horizon time months month days day years year group fold step threshold bin grid quantile decile
""")
SETTINGS = names_in("""
    replicates folds seed k studies sites models degrees_of_freedom df interval version iterations
""")
TOTALS = names_in("""
    total totals all overall sum 합계 전체 계 총계
""")
CONSTANT = frozenset({"site", "train_site", "test_site", "model", "model_site", "reference", "role", "protocol"})


@cache
def normalised(name: str) -> str:
    """Return a name in lower case with words joined by ``_``.

    >>> normalised("Patient ID"), normalised("n.events"), normalised("riskScore")
    ('patient_id', 'n_events', 'risk_score')
    """
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[^\w]+", "_", spaced).strip("_").lower()


def names_people(name: str) -> bool:
    """Say whether a column tells patients apart: an identifier, a name, an address."""
    plain = normalised(name)
    return plain in _IDENTIFIERS or bool(
        re.search(r"(?:^|_)(?:patient|subject|person|mrn|ssn|rrn)_?(?:id|no|nr|number|name|key|hash)s?$", plain)
    )


def names_date(name: str) -> bool:
    """Say whether a column holds days of the calendar."""
    plain = normalised(name)
    return plain in _DATES or plain.endswith(("_date", "_dt", "_datetime", "_dob")) or plain.startswith("date_")


def names_free_text(name: str) -> bool:
    """Say whether a column holds what somebody wrote."""
    plain = normalised(name)
    return plain in _FREE_TEXT or plain.endswith(("_note", "_notes", "_comment", "_comments", "_text", "_memo"))


def names_extreme(name: str) -> bool:
    """Say whether a name stands for the value of one patient at an end: a minimum, a maximum.

    >>> names_extreme("age_max"), names_extreme("maximum"), names_extreme("upper")
    (True, True, False)
    """
    plain = normalised(name)
    first, _, _ = plain.partition("_")
    return plain in _EXTREMES or plain.rpartition("_")[2] in _EXTREMES or first in {"min", "max", "youngest", "oldest"}


def names_share(name: str) -> bool:
    """Say whether a column holds shares of patients."""
    plain = normalised(name)
    return plain in _SHARES or "%" in name or plain.rpartition("_")[2] in _SHARES


def names_prediction(name: str) -> bool:
    """Say whether a column holds one number a patient by its nature: residuals, predictions, influence."""
    plain = normalised(name)
    return plain in _PREDICTIONS or plain.rpartition("_")[2] in {"residual", "residuals", "dfbeta", "dfbetas"}


def counted(name: str) -> str | None:
    """Return what a column counts (``patients``, ``events`` or another count's own name), or nothing.

    >>> counted("n_patients"), counted("Events"), counted("at_risk"), counted("age")
    ('patients', 'events', 'at_risk', None)
    """
    plain = normalised(name)
    if plain in SETTINGS or plain in KEY_NUMBERS:
        return None
    for names, meaning in ((_EVENTS, "events"), (_PATIENTS, "patients"), (_OTHER_COUNTS, plain)):
        if plain in names:
            return meaning
    parts = plain.split("_")
    if parts[-1] in {"count", "counts", "patients", "events", "deaths", "freq", "frequency"} or parts[0] in {
        "n",
        "num",
        "count",
    }:
        return plain
    return None


def names_index(name: str) -> bool:
    """Say whether a column is a key of our own tables."""
    return normalised(name) in _INDEX_KEYS
