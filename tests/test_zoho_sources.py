"""Rules of Zoho's name their source by a tag, `[Z insert-records]`, which docs/zoho-sources.md explains."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "src" / "moorage").rglob("*.py"))
ROWS = re.findall(r"^\| `([\w-]+)`", (ROOT / "docs" / "zoho-sources.md").read_text(), re.MULTILINE)
TAG = re.compile(r"\[Z ([^\]]+)\]")
# Words by which a rule says where it is from; the tag stands close behind them.
MENTION = re.compile(
    r"Zoho's (?:own |published |public |newer )*(?:documentation|specification|description|examples|pages|SDKs?)\b"
    r"|Zoho documents "
)


def cited():
    return {tag for source in SOURCES for tag in TAG.findall(source.read_text())}


def test_every_tag_in_the_code_is_explained_once():
    assert len(ROWS) == len(set(ROWS)) > 20
    assert sorted(cited() - set(ROWS)) == []


def test_every_source_that_is_explained_is_used():
    assert sorted(set(ROWS) - cited()) == []


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.relative_to(ROOT / "src")))
def test_whoever_speaks_of_zohos_documentation_names_the_page(source):
    text = source.read_text()
    mentions = MENTION.finditer(text)
    unnamed = [match.group() for match in mentions if not TAG.search(text, match.end(), match.end() + 160)]
    assert unnamed == []
