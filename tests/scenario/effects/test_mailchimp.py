"""The CRM actor against a Mailchimp that misbehaves: one contact, our tags alone, the newest state."""
import pytest
import sink_mailchimp
from sinks import GARBAGE, LOST, Answer
from stage import member

ADDRESS = "m1@example.com"


@pytest.fixture
def sink():
    with sink_mailchimp.MailchimpSink() as mailchimp:
        yield mailchimp


def start(stage, sink, more="", key="0123-us21"):
    stage.secret("mailchimp", key)
    stage.config("crm", f'    provider = mailchimp\n    url = "{sink.url}"\n'
                        f'    list = {sink_mailchimp.LIST}\n'
                        '    key = "file:secrets/mailchimp"\n' + more)
    return stage.start("crm")


def synced(stage, number=1):
    return stage.wait_job("crm", f"crm:mem_{number:04d}", "done")


def test_done_once_with_tags_behind_the_member(stage, sink):
    start(stage, sink)
    stage.publish(member(1))
    synced(stage)
    only, = sink.members.values()
    assert only == {"email_address": ADDRESS, "status": "transactional", "tags": {"member"},
                    "merge_fields": {"FNAME": "Member", "LNAME": "1"}}
    assert [c["method"] for c in sink.log] == ["GET", "PUT", "POST"]
    assert sink.log[0]["headers"]["Authorization"].startswith("Basic ")
    assert sink.log[2]["body"]["tags"] == [
        {"name": "member", "status": "active"}, {"name": "trial", "status": "inactive"},
        {"name": "payment-failed", "status": "inactive"}, {"name": "refunded", "status": "inactive"}]


def test_an_existing_contact_keeps_its_name_status_and_own_tags(stage, sink):
    sink.add(ADDRESS, {"vip", "trial"}, status="unsubscribed", merge_fields={"FNAME": "Augusta"})
    start(stage, sink)
    stage.publish(member(1, email="M1@Example.com"))
    synced(stage)
    only, = sink.members.values()
    assert only["tags"] == {"vip", "member"} and only["status"] == "unsubscribed"
    assert only["merge_fields"] == {"FNAME": "Augusta"}


def test_a_changed_address_keeps_one_contact_even_when_the_answer_is_lost(stage, sink):
    start(stage, sink)
    stage.publish(member(1))
    synced(stage)
    sink.script(LOST, method="PUT")
    stage.publish(member(1, 2, email="new@example.com", tags=["trial"]), "member.changed")
    stage.kit.wait_until(lambda: sink.of("new@example.com") and
                         sink.of("new@example.com")["tags"] == {"trial"}, what="the new address")
    synced(stage)
    assert len(sink.members) == 1 and not stage.news("job.dead")
    stage.publish(member(1, 3, email="third@example.com", tags=["trial"]), "member.changed")
    stage.kit.wait_until(lambda: sink.of("third@example.com"), what="the third address")
    assert len(sink.members) == 1


def test_an_address_of_another_contact_is_left_alone(stage, sink):
    start(stage, sink)
    stage.publish(member(1))
    synced(stage)
    other = sink.add("new@example.com", {"vip"})
    stage.publish(member(1, 2, email="new@example.com", tags=["trial"]), "member.changed")
    stage.kit.wait_until(lambda: sink.of(ADDRESS)["tags"] == {"trial"}, what="the tags")
    synced(stage)
    assert other["tags"] == {"vip"} and len(sink.members) == 2


TROUBLES = [Answer(500), Answer(429, {"title": "Too Many Requests"}), LOST, GARBAGE,
            Answer(200, body=b'{"id": 17, "title": ["x"]'), Answer(act=True, slow_s=0.9)]


@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
def test_trouble_is_over_and_one_contact_stands(stage, sink, method):
    start(stage, sink)
    for number, trouble in enumerate(TROUBLES, 1):
        sink.script(trouble, method=method)
        stage.publish(member(number))
        synced(stage, number)
        assert sink.of(f"m{number}@example.com")["tags"] == {"member"}
        assert len(sink.members) == number == len(stage.news("job.retrying"))
    assert not stage.news("job.dead")


def test_what_mailchimp_refuses_is_explained_without_the_address(stage, sink):
    start(stage, sink, "    state_field = USTATE\n")
    sink.forgotten.add("m2@example.com")
    sink.fields.add("USTATE")
    stage.publish(member(3, email=""))
    for number, more, words in [(1, {"email": "nobody"}, "invalid"),
                                (2, {}, "deleted this address for good")]:
        stage.publish(member(number, **more))
        dead = stage.wait_job("crm", f"crm:mem_{number:04d}", "dead")
        assert words in dead["error"] and "@" not in dead["error"]
    stage.publish(member(4))
    synced(stage, 4)
    assert sink.of("m4@example.com")["merge_fields"]["USTATE"] == "active"
    assert stage.job("crm", "crm:mem_0003") is None  # without an address there is nobody to write to


def test_an_expired_key_holds_all_and_spends_nothing(stage, sink):
    sink.key = "new-us21"
    start(stage, sink, key="old-us21")
    stage.publish_many([member(n) for n in range(1, 13)])
    stage.kit.wait_until(lambda: stage.news("target.refused"), what="target.refused")
    assert not sink.members
    stage.secret("mailchimp", "new-us21")
    stage.wait_all("crm", 12)
    assert len(sink.members) == 12 and sink.crowd <= 10
    assert not stage.news("job.dead") and not stage.news("job.retrying")
    assert len(stage.news("target.refused")) == 1 == len(stage.news("target.accepted"))


def test_no_more_connections_than_mailchimp_takes(stage, sink):
    start(stage, sink, "    calls = 64\n")
    sink.script(*[Answer(act=True, slow_s=0.05)] * 60)
    stage.publish_many([member(n) for n in range(1, 31)])
    stage.wait_all("crm", 30)
    assert 1 < sink.crowd <= 8 and not stage.news("job.retrying")


def test_merged_members_leave_one_contact(stage, sink):
    start(stage, sink)
    for number in [1, 2]:
        stage.publish(member(number))
    stage.wait_all("crm", 2)
    sink.of("m2@example.com")["tags"].add("vip")
    stage.publish(member(1, 5, aliases=["mem_0001", "mem_0002"], merged=["mem_0002"]),
                  "member.changed")
    stage.kit.wait_until(lambda: sink.of("m2@example.com")["tags"] == {"vip"}, what="the retired one")
    assert sink.of(ADDRESS)["tags"] == {"member"}


@pytest.mark.parametrize("text, words", [
    ('    key = "0123-us21"\n', "crm/list"), ('    key = "0123"\n    list = x\n', "crm/key"),
    ('    key = "0-us21/x"\n    list = x\n', "crm/key"),
    ('    key = "0-us1"\n    list = x\n    status_if_new = all\n', "crm/status_if_new")])
def test_bad_settings_are_refused(stage, text, words):
    stage.config("crm", "    provider = mailchimp\n" + text, fast=False)
    code, said = stage.check("crm")
    assert code == 78 and words in said, said
