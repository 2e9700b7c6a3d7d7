"""Korean particles follow the sound before them: 모형이 but 방법을 and 방법으로."""

import re

_HANGUL_FIRST, _HANGUL_LAST, _FINALS, _FINAL_L = 0xAC00, 0xD7A3, 28, 8
_DIGITS_CLOSED = frozenset("013678")  # 영, 일, 삼, 육, 칠, 팔 end in a consonant
_DIGITS_L = frozenset("178")  # 일, 칠, 팔 end in ㄹ
_LETTERS_CLOSED = frozenset("lmn")  # 엘, 엠, 엔; English words ending so are read closed as well
_BRACKETED = re.compile(r"\s*[(\[（][^()\[\]（）]*[)\]）]\s*$")


def final_sound(word: str) -> str:
    """Say how a word ends when it is read aloud in Korean: ``"open"``, ``"closed"`` or ``"l"`` (closed by ㄹ).

    A trailing bracket is not read: 독일 연구회(GBSG) ends like 연구회.
    """
    spoken = _BRACKETED.sub("", word).rstrip(" .,;:'\")]") or word.strip("()[] ")
    last = spoken[-1:].lower()
    if last and _HANGUL_FIRST <= ord(last) <= _HANGUL_LAST:
        final = (ord(last) - _HANGUL_FIRST) % _FINALS
        return "open" if final == 0 else "l" if final == _FINAL_L else "closed"
    if last in _DIGITS_L or last == "l":
        return "l"
    closed = last in _DIGITS_CLOSED or last in _LETTERS_CLOSED or spoken.lower().endswith("ng")
    return "closed" if closed else "open"


def with_particle(word: str, pair: str) -> str:
    """Join a word with the particle of a pair that fits its last sound, the closed form first.

    >>> with_particle("모형", "이/가"), with_particle("기준 모형", "으로/로"), with_particle("GBSG", "은/는")
    ('모형이', '기준 모형으로', 'GBSG는')
    """
    closed, _, opened = pair.partition("/")
    sound = final_sound(word)
    falls_open = sound == "open" or (sound == "l" and closed == "으로")
    return word + (opened if falls_open else closed)


class Word(str):
    """A string whose format specification may be a pair of particles: ``"{model:이/가}"``."""

    __slots__ = ()

    def __format__(self, specification: str) -> str:
        return with_particle(str(self), specification) if "/" in specification else super().__format__(specification)
