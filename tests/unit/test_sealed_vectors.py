# SPDX-License-Identifier: Apache-2.0
"""The test vectors of sealed files are what a second implementation, in Python, makes of docs/sealed-format.md."""
import json
import pathlib
import sys

import pytest

VECTORS = pathlib.Path(__file__).parents[1] / "vectors"
sys.path.insert(0, str(VECTORS))

import sealed  # noqa: E402


def test_vectors_are_made_of_the_description():
    assert json.loads((VECTORS / "sealed.json").read_text()) == sealed.make_vectors()


@pytest.mark.parametrize("vector", sealed.make_vectors()["vectors"], ids=lambda vector: str(vector["length"]))
def test_a_vector_is_opened(vector):
    content = sealed.content_of(vector["length"])
    data = sealed.seal(vector, content)[1]
    assert sealed.unseal(data, {vector["key_id"]: bytes.fromhex(vector["master_key"])}) == content
