from __future__ import annotations

from tests.emulator.s3.conftest import Site

from hfaas_emulator.moto_services import patch
from hfaas_emulator.s3.api import SERVICES


def test_the_code_that_s3_patches_is_the_code_it_was_written_for(site: Site) -> None:
    assert site.endpoint  # the modules are loaded by a start
    ours = [found.target for found in patch.declared() if found.replacement.__module__ in SERVICES]
    assert len(ours) > 10
    assert [sentence for sentence in patch.drifted() if sentence.split()[0] in ours] == []
