"""What somebody changed in the CRM by hand is found and put right, once; all else is left alone."""
import pytest
import sink_kit
import sink_mailchimp
from sinks import Answer, HttpSink
from stage import member

OFTEN = '    check_every = "600ms"\n    rate = 1000\n'


class Hubspot:
    sink, writes = HttpSink, ("POST", "PATCH")

    @staticmethod
    def start(stage, sink):
        return stage.hubspot(sink, more=OFTEN)

    @staticmethod
    def tags(sink, address):
        contact = next(c for c in sink.contacts.values() if c["email"] == address)
        return set(filter(None, contact["usher_tags"].split(";")))

    @staticmethod
    def edit(sink, address, tags):
        contact = next(c for c in sink.contacts.values() if c["email"] == address)
        contact["usher_tags"] = ";".join(tags)

    @staticmethod
    def clear(sink):
        sink.contacts.clear()


class Mailchimp:
    sink, writes = sink_mailchimp.MailchimpSink, ("POST", "PUT")

    @staticmethod
    def start(stage, sink):
        stage.secret("mailchimp", "0-us21")
        stage.config("crm", f'    provider = mailchimp\n    url = "{sink.url}"\n'
                            f'    list = {sink_mailchimp.LIST}\n'
                            '    key = "file:secrets/mailchimp"\n' + OFTEN)
        return stage.start("crm")

    @staticmethod
    def tags(sink, address):
        return set(sink.of(address)["tags"])

    @staticmethod
    def edit(sink, address, tags):
        sink.of(address)["tags"] = set(tags)

    @staticmethod
    def clear(sink):
        sink.members.clear()


class Kit(Mailchimp):
    sink, writes = sink_kit.KitSink, ("POST", "PUT", "DELETE")

    @staticmethod
    def start(stage, sink):
        stage.secret("kit", "kit-1")
        stage.config("crm", f'    provider = kit\n    url = "{sink.url}"\n'
                            '    key = "file:secrets/kit"\n' + OFTEN)
        return stage.start("crm")

    @staticmethod
    def edit(sink, address, tags):
        sink.of(address)["tags"] = set(tags)
        for number, tag in enumerate(tags):
            sink.tags.setdefault(tag, 500 + number)

    @staticmethod
    def clear(sink):
        sink.subscribers.clear()


def writes(crm, sink):
    return [c for c in sink.calls() if c["method"] in crm.writes]


def rounds(stage, sink, count):
    """Waits until so many more looks were taken."""
    seen = len(sink.calls("GET"))
    stage.kit.wait_until(lambda: len(sink.calls("GET")) >= seen + count, 20, f"{count} looks")


@pytest.mark.parametrize("crm", [Hubspot, Mailchimp, Kit], ids=lambda crm: crm.__name__.lower())
def test_what_was_changed_by_hand_is_put_right_once(stage, crm):
    with crm.sink() as sink:
        crm.start(stage, sink)
        stage.publish_many([member(1), member(2), member(3, access=False, state="ended", tags=[])])
        stage.publish(member(4, tags=["refunded"], access=False, state="revoked"))
        stage.wait_all("crm", 3)
        told = len(writes(crm, sink))
        rounds(stage, sink, 5)
        assert not stage.news("crm.repaired") and len(writes(crm, sink)) == told

        crm.edit(sink, "m1@example.com", ["vip"])
        first, = stage.kit.wait_until(lambda: stage.news("crm.repaired"), 20, "the repair")
        assert first["subject"] == first["data"]["member"] == "mem_0001"
        assert first["data"]["reason"] == 'the tag "member" was missing'
        stage.kit.wait_until(lambda: crm.tags(sink, "m1@example.com") == {"vip", "member"},
                             what="the tag, and the founder's own")
        stage.wait_all("crm", 3)
        crm.edit(sink, "m4@example.com", ["refunded", "trial"])
        stage.kit.wait_until(lambda: crm.tags(sink, "m4@example.com") == {"refunded"}, 20,
                             "the other one's")
        stage.wait_all("crm", 3)
        told = len(writes(crm, sink))
        rounds(stage, sink, 5)
        assert [e["data"]["reason"] for e in stage.news("crm.repaired")] == [
            'the tag "member" was missing', 'the tag "trial" was still there']
        assert len(writes(crm, sink)) == told and not stage.news("job.retrying")


def test_a_contact_that_was_deleted_is_made_again_if_its_member_has_access(stage):
    with Mailchimp.sink() as sink:
        Mailchimp.start(stage, sink)
        stage.publish_many([member(1), member(2, tags=["refunded"], access=False, state="revoked")])
        stage.wait_all("crm", 2)
        Mailchimp.clear(sink)
        stage.kit.wait_until(lambda: sink.of("m1@example.com"), 20, "the member's contact")
        stage.wait_all("crm", 2)
        rounds(stage, sink, 4)
        assert [m["email_address"] for m in sink.members.values()] == ["m1@example.com"]
        assert [e["data"]["reason"] for e in stage.news("crm.repaired")] == ["the contact was gone"]


def test_another_provider_gets_its_contacts_by_being_looked_at(stage, http_sink):
    process = stage.hubspot(http_sink)
    stage.publish_many([member(1), member(2, tags=["refunded"], access=False, state="revoked")])
    stage.wait_all("crm", 2)
    assert process.stop() == 0
    with Mailchimp.sink() as sink:
        Mailchimp.start(stage, sink)
        stage.kit.wait_until(lambda: sink.of("m1@example.com"), 20, "the member's contact")
        stage.wait_all("crm", 2)
        rounds(stage, sink, 3)
        assert [e["data"]["reason"] for e in stage.news("crm.repaired")] == ["it was not there yet"]
        assert Mailchimp.tags(sink, "m1@example.com") == {"member"} and len(sink.members) == 1


def test_trouble_while_looking_is_nobodys_news(stage, http_sink):
    stage.hubspot(http_sink, more=OFTEN)
    stage.publish(member(1))
    stage.wait_all("crm", 1)
    http_sink.script(Answer(500), Answer(200, body=b"<html>"), Answer(401), Answer(403),
                     Answer(429, retry_after=1), method="GET")
    stage.kit.wait_until(lambda: not http_sink.scripts_left(), 20, "five looks")
    rounds(stage, http_sink, 2)
    assert len(writes(Hubspot, http_sink)) == 1 and len(stage.news("job.*")) == 1
    assert not stage.news("crm.repaired") and not stage.news("target.refused")
