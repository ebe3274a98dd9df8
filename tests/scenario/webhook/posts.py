"""Support desks and mail providers, as they post to us: bodies of our own in their shapes, signed as
they sign.

zendesk, helpscout, intercom, resend, postmark    (path, body, headers) of one post
Topic       an SNS topic that signs with a certificate made for the test
"""
import base64
import hashlib
import hmac
import json
import subprocess
import time

ZENDESK, HELPSCOUT, INTERCOM = "zd-secret", "hs-secret", "ic-secret"
RESEND = "whsec_" + base64.b64encode(bytes(range(32))).decode()
POSTMARK = "postmark:long-and-secret"


def rfc3339(at):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def _mac(kind, secret, *parts):
    return hmac.new(secret if isinstance(secret, bytes) else secret.encode(),
                    b"".join(parts), kind).digest()


def zendesk(kind, ticket, secret=ZENDESK, at=None, id_=None, event=None, **detail):
    at = time.time() if at is None else at
    body = json.dumps({
        "id": id_ or f"evt-{kind}-{ticket}", "type": f"zen:event-type:ticket.{kind}",
        "time": rfc3339(at), "subject": f"zen:ticket:{ticket}", "account_id": 1,
        "zendesk_event_version": "2022-11-06", "event": event or {},
        "detail": {"id": str(ticket), "status": "NEW", "tags": [], **detail}}).encode()
    stamp = rfc3339(at)
    mac = _mac(hashlib.sha256, secret, stamp.encode(), body)
    return "support/zendesk", body, {
        "X-Zendesk-Webhook-Signature": base64.b64encode(mac).decode(),
        "X-Zendesk-Webhook-Signature-Timestamp": stamp}


def helpscout(kind, convo, secret=HELPSCOUT, **more):
    body = json.dumps({"id": convo, "number": 7, "subject": "Cannot log in", "status": "active",
                       "createdAt": rfc3339(time.time()), "tags": [], **more}).encode()
    mac = base64.b64encode(_mac(hashlib.sha1, secret, body)).decode()
    return "support/helpscout", body, {"X-HelpScout-Event": kind, "X-HelpScout-Signature": mac}


def intercom(topic, convo, secret=INTERCOM, id_=None, attempts=1, **item):
    body = json.dumps({"type": "notification_event", "id": id_ or f"notif-{topic}-{convo}",
                       "topic": topic, "created_at": int(time.time()),
                       "delivery_attempts": attempts,
                       "data": {"item": {"type": "conversation", "id": str(convo), **item}}}).encode()
    return "support/intercom", body, {"X-Hub-Signature":
                                      "sha1=" + _mac(hashlib.sha1, secret, body).hex()}


def resend(kind, address, id_, secret=RESEND, at=None, **data):
    at = int(time.time() if at is None else at)
    body = json.dumps({"type": f"email.{kind}", "created_at": rfc3339(at),
                       "data": {"email_id": f"mail-{address}", "to": [address], **data}}).encode()
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = _mac(hashlib.sha256, key, f"{id_}.{at}.".encode(), body)
    return "mail/resend", body, {"svix-id": id_, "svix-timestamp": str(at),
                                 "svix-signature": "v1," + base64.b64encode(mac).decode()}


def postmark(record, kind, address, number=1, login=POSTMARK, **more):
    body = json.dumps({"RecordType": record, "ID": number, "Type": kind, "Email": address,
                       "MessageID": f"pm-{number}", "BouncedAt": rfc3339(time.time()),
                       **more}).encode()
    headers = {}
    if login:
        headers["Authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
    return "mail/postmark", body, headers


class Topic:
    """One topic of SNS. `base` is where its certificate and confirmations are got."""

    ARN = "arn:aws:sns:eu-west-1:123456789012:bounces"
    CERTIFICATE = "SimpleNotificationService-0123456789abcdef.pem"

    def __init__(self, folder, base):
        self.base = base
        self.key = folder / "sns.key"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
             "/CN=sns.amazonaws.com", "-keyout", self.key, "-out", folder / "sns.pem"],
            check=True, capture_output=True)
        self.pem = (folder / "sns.pem").read_bytes()

    def _post(self, message, names, version):
        text = "".join(f"{name}\n{message[name]}\n" for name in names if name in message)
        digest = "-sha1" if version == "1" else "-sha256"
        signature = subprocess.run(["openssl", "dgst", digest, "-sign", self.key],
                                   input=text.encode(), check=True, capture_output=True).stdout
        message["Signature"] = base64.b64encode(signature).decode()
        return "mail/ses", json.dumps(message).encode(), {
            "x-amz-sns-message-type": message["Type"], "x-amz-sns-message-id": message["MessageId"],
            "Content-Type": "text/plain; charset=UTF-8"}

    def _message(self, kind, id_, text, version):
        return {"Type": kind, "MessageId": id_, "TopicArn": self.ARN, "Message": text,
                "Timestamp": "2026-01-01T00:00:00.000Z", "SignatureVersion": version,
                "SigningCertURL": self.base + self.CERTIFICATE}

    def bounce(self, id_, *addresses, kind="Permanent", version="1", **more):
        notice = {"notificationType": "Bounce",
                  "bounce": {"bounceType": kind, "bounceSubType": "General",
                             "bouncedRecipients": [{"emailAddress": a} for a in addresses]},
                  "mail": {"messageId": f"ses-{id_}"}}
        message = {**self._message("Notification", id_, json.dumps(notice), version), **more}
        return self._post(message, ["Message", "MessageId", "Subject", "Timestamp", "TopicArn",
                                    "Type"], version)

    def confirmation(self, id_, version="1", **more):
        message = {**self._message("SubscriptionConfirmation", id_, "You have chosen", version),
                   "Token": "t0k",
                   "SubscribeURL": self.base + "?Action=ConfirmSubscription&Token=t0k", **more}
        return self._post(message, ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token",
                                    "TopicArn", "Type"], version)
