"""Other people's verifiers of DKIM, each given the DNS records as {name: [string, ...]}:

    mailauth(mails, records)     npm: [{"dkim": [[algorithm, result, fields]], "dmarc": result}]
    python_dkim(mail, records)   Debian's python3-dkim: a bool for each signature
    opendkim(mail, records)      Debian's opendkim-testmsg: a bool for each signature
    opendkim_runs()              it asks the real DNS: can it be given one of our own here?
"""
import base64
import json
import pathlib
import subprocess
import sys

import dkim

import peers

DNS = pathlib.Path(__file__).parent / "dns_of_our_own.py"
APART = ["unshare", "--map-root-user", "--net", "--mount"]


def mailauth(mails, records):
    asked = {"records": records, "mails": [base64.b64encode(mail).decode() for mail in mails]}
    return json.loads(peers.node("dkim.mjs", json.dumps(asked)))


def signatures(mail):
    """The mail's DKIM-Signature fields, and the mail without them."""
    head, _, body = mail.partition(b"\r\n\r\n")
    fields, rest = [], []
    for line in head.split(b"\r\n"):
        if line[:1] in b" \t" and line:
            (rest if last_is_rest else fields)[-1] += b"\r\n" + line
            continue
        last_is_rest = not line.lower().startswith(b"dkim-signature:")
        (rest if last_is_rest else fields).append(line)
    return fields, b"\r\n".join(rest) + b"\r\n\r\n" + body


def python_dkim(mail, records):
    def txt(name, **_):
        strings = records.get(name.decode().rstrip("."))
        return "".join(strings).encode() if strings else None

    def good(n):
        try:
            return dkim.DKIM(mail).verify(idx=n, dnsfunc=txt)
        except dkim.DKIMException:
            return False

    return [good(n) for n in range(len(signatures(mail)[0]))]


def opendkim_runs():
    tried = subprocess.run([*APART, "true"], capture_output=True, check=False)
    return tried.returncode == 0


def opendkim(mail, records):
    """One signature at a time: of several it would be content with one."""
    fields, rest = signatures(mail)
    said = []
    for field in fields:
        ran = subprocess.run([*APART, sys.executable, str(DNS), json.dumps(records),
                              "opendkim-testmsg"], input=field + b"\r\n" + rest,
                             capture_output=True, timeout=60, check=False)
        assert ran.returncode == 0 or b"Bad signature" in ran.stderr, ran.stderr.decode()
        said.append(ran.returncode == 0)
    return said
