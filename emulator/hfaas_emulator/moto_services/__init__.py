"""The only package that imports or patches moto.

moto reads its settings when it is imported, so they are set here: before any module of this package can do that.
"""

from __future__ import annotations

import os

SETTINGS = {
    "MOTO_ALLOW_NONEXISTENT_REGION": "true",
    "MOTO_DISABLE_GLOBAL_CORS": "true",  # no web page may read these answers
    "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
}

for _name, _value in SETTINGS.items():
    os.environ.setdefault(_name, _value)
