"""A figure as SVG whose text stays text: selectable, searchable, and set in the reader's own fonts.

Text is measured with the font that matplotlib brings. That font has no Hangul, so while the figure is laid out each
letter it lacks is stood in for by a symbol of nearly the same width, one symbol a letter; in the finished SVG the
symbols are turned back and the reader's browser brings the glyphs. The same figure is thus the same bytes on every
machine, whichever fonts are installed there.
"""

import io
import re
import unicodedata
from collections.abc import Generator
from contextlib import contextmanager
from functools import lru_cache
from html import escape

from matplotlib import font_manager, ft2font
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.text import Text

from .theme import MEASURED_FAMILY, theme

FONT_STACK = (
    "'Helvetica Neue', Arial, 'Noto Sans', 'Apple SD Gothic Neo', 'Malgun Gothic', 'Noto Sans CJK KR', "
    "'Noto Sans KR', sans-serif"
)
_HANGUL_EM = 0.92
_NO_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))


def svg(figure: Figure, *, name: str, description: str) -> str:
    """Render a figure as one SVG element that stands alone or inside a page.

    Every id starts with ``name``, so that figures on one page don't meet; ``description`` is read out to those who
    don't see the figure. The figure itself is left as it was.
    """
    drawn = io.StringIO()
    with theme(), _stand_ins(figure) as back:
        figure.savefig(drawn, format="svg", metadata=_NO_METADATA, dpi=FigureCanvasSVG.fixed_dpi)
    text = drawn.getvalue()
    text = text[text.index("<svg") :].translate(back)
    text = re.sub(r"font-family: [^;\"]*", f"font-family: {FONT_STACK}", text)
    text = re.sub(r'\bid="([^"]*)"', rf'id="{name}-\1"', text)
    text = re.sub(r'\bxlink:href="#([^"]*)"', rf'href="#{name}-\1"', text)
    text = re.sub(r"url\(#([^)]*)\)", rf"url(#{name}-\1)", text)
    text = text.replace("*{stroke-linejoin", f"#{name} *{{stroke-linejoin", 1)
    text = text.replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "", 1)
    opening = f'<svg id="{name}" role="img" aria-label="{escape(description)}"'
    return text.replace("<svg", opening, 1).strip()


@contextmanager
def _stand_ins(figure: Figure) -> Generator[dict[int, str]]:
    """Set the figure's texts in the measured font with stand-ins, yield the table that turns them back, restore."""
    texts = [text for text in figure.findobj(Text) if isinstance(text, Text)]
    before = [(text, text.get_text(), text.get_fontfamily(), text.get_parse_math()) for text in texts]
    covered, symbols = _letters()
    written = {letter for _, content, _, _ in before for letter in content} - {"\n"}
    free = (symbol for symbol in symbols if symbol not in written)
    table = {ord(letter): symbol for letter, symbol in zip(sorted(written - covered), free, strict=False)}
    try:
        for text, content, _, _ in before:
            text.set_text(content.translate(table))
            text.set_fontfamily(MEASURED_FAMILY)
            text.set_parse_math(parse_math=False)
        yield {ord(symbol): chr(letter) for letter, symbol in table.items()}
    finally:
        for text, content, family, parse_math in before:
            text.set_text(content)
            text.set_fontfamily(family)
            text.set_parse_math(parse_math)


@lru_cache
def _letters() -> tuple[frozenset[str], tuple[str, ...]]:
    """Read what the measured font has in both weights, and its symbols, those as wide as a Hangul letter first."""
    fonts = [_font(weight) for weight in ("normal", "bold")]
    covered = frozenset.intersection(*(frozenset(map(chr, font.get_charmap())) for font in fonts))
    symbols = sorted(letter for letter in covered if unicodedata.category(letter) == "So")
    return covered, tuple(sorted(symbols, key=lambda letter: abs(_width_em(fonts[0], letter) - _HANGUL_EM)))


def _font(weight: str) -> ft2font.FT2Font:
    properties = font_manager.FontProperties(family=MEASURED_FAMILY, weight=weight)
    return font_manager.get_font(font_manager.findfont(properties, fallback_to_default=False))


def _width_em(font: ft2font.FT2Font, letter: str) -> float:
    return font.load_char(ord(letter), flags=ft2font.LoadFlags.NO_SCALE).horiAdvance / font.units_per_EM
