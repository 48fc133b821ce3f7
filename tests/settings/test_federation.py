from __future__ import annotations

import pytest
from pydantic import ValidationError

from connexeo.settings import Federation


@pytest.mark.parametrize("name", ["split", "Split"])
def test_no_back_end_is_called_like_split_jobs(name: str) -> None:
    with pytest.raises(ValidationError, match="choose another id"):
        Federation.model_validate({"upstreams": [{"id": name, "url": "https://example.com"}]})
