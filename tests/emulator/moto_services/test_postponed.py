"""What moto imports only when it is used."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
from hfaas_emulator.moto_services.dispatcher import Dispatcher
from hfaas_emulator.moto_services.boot import OURS
from hfaas_emulator.moto_services.bridge import Request

dispatcher = Dispatcher(OURS)
scope = "Credential=test/20250101/us-east-1/ssm/aws4_request"
headers = {
    "host": "localhost",
    "content-type": "application/x-amz-json-1.1",
    "x-amz-target": "AmazonSSM.DescribeParameters",
    "authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0",
}
assert dispatcher(Request("POST", "/", "", headers, b"{}")).status == 200
assert "moto.batch.models" in sys.modules
late = {"cryptography", "moto.ec2", "moto.ecs", "moto.dynamodb", "moto.kinesis.models", "openapi_spec_validator"}
early = late & sys.modules.keys()
assert not early, early

import moto.awslambda.models, moto.iam.models, moto.sns.models
tables = moto.awslambda.models.dynamodb_backends["000000000000"]["us-east-1"].tables
name = moto.sns.models.NameOID.COMMON_NAME.dotted_string
load = moto.iam.models.x509.load_pem_x509_certificate
import cryptography.x509, moto.dynamodb
assert tables is moto.dynamodb.dynamodb_backends["000000000000"]["us-east-1"].tables
assert name == cryptography.x509.NameOID.COMMON_NAME.dotted_string
assert load is cryptography.x509.load_pem_x509_certificate
"""


def test_postponed_modules_are_absent_until_they_are_used_and_real_from_then_on() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stderr
