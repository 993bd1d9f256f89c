"""Where keys stand in a file, and where a value ends."""

from __future__ import annotations

from hfaas_deploy.language import document, outline

TEXT = """\
functions:
  aws:
  - lambda:
      name: hello
      memory: "40960"
      input: [{storage_provider: s3, path: a/in}]
storage_providers:
  onedata:
    datahub: {space: films}
"""


def paths(text: str) -> list[str]:
    return [mention.key.path for mention in outline.outline(text.encode())]


def test_keys_are_found_in_the_order_of_the_file() -> None:
    assert paths(TEXT) == [
        "functions",
        "functions.aws",
        "functions.aws[].lambda",
        "functions.aws[].lambda.name",
        "functions.aws[].lambda.memory",
        "functions.aws[].lambda.input",
        "functions.aws[].lambda.input[].storage_provider",
        "functions.aws[].lambda.input[].path",
        "storage_providers",
        "storage_providers.onedata",
        "storage_providers.onedata.<id>.space",
    ]


def test_a_place_belongs_to_the_key_before_it() -> None:
    found = outline.outline(TEXT.encode())
    names = [key.name if (key := outline.under(found, 6, column)) else "" for column in (7, 20, 45)]
    assert names == ["input", "storage_provider", "path"]
    before = outline.under(found, 1, 1)
    assert before is not None
    assert before.name == "functions"


def test_what_is_no_yaml_has_no_keys() -> None:
    assert paths("functions: [") == []


def test_a_value_ends_behind_its_quotes() -> None:
    assert document.extent(TEXT, 5, 15) == (5, 22)
    assert document.extent(TEXT, 5, 7) == (5, 13)
    assert document.extent(TEXT, 5, 8) is None
    assert document.extent("a: @b", 1, 4) is None
