from pathlib import Path

import pytest

from connexeo.tools.spec.documents import SpecError, load_document, parse_document, read_mapping


def test_yaml_is_read_as_json_would_be() -> None:
    text = b"200: a\n1.0: b\nday: 2024-02-29\ninstant: 2024-02-29T00:00:00Z\nanswer: yes\nreally: true\nnumber: 1.5\n"
    assert parse_document(text, "here") == {
        "200": "a",
        "1.0": "b",
        "day": "2024-02-29",
        "instant": "2024-02-29T00:00:00Z",
        "answer": "yes",
        "really": True,
        "number": 1.5,
    }


def test_json_is_read_too() -> None:
    assert parse_document(b' {"a": [1, null]}', "here") == {"a": [1, None]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"a: 1\nb: 2\na: 3\n", "here: line 3: the key 'a' stands twice"),
        (b"a: [1\n", "here: line 2"),
        (b"a: !!python/name:os.system\n", "here: line 1: could not determine a constructor"),
        (b"\xff\xfe\x00", "here"),
    ],
)
def test_a_fault_is_one_line_with_its_place(text: bytes, message: str) -> None:
    with pytest.raises(SpecError) as raised:
        parse_document(text, "here")
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)


def test_only_openapi_3_0_is_a_document(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("swagger: '2.0'\npaths: {}\n")
    with pytest.raises(SpecError, match=r"not an OpenAPI 3\.0 document"):
        load_document(path)
    path.write_text("- a\n")
    with pytest.raises(SpecError, match="does not hold a mapping"):
        load_document(path)
    with pytest.raises(SpecError, match="cannot be read: No such file"):
        read_mapping(tmp_path / "missing.yaml")


def test_a_url_that_does_not_answer_is_an_error() -> None:
    with pytest.raises(SpecError, match=r"http://127\.0\.0\.1:1/openapi\.json cannot be read"):
        load_document("http://127.0.0.1:1/openapi.json")
