"""The CRM actor against a Kit that misbehaves: one subscriber, our tags alone, within its limit."""
import pytest
import sink_kit
from sinks import GARBAGE, LOST, Answer
from stage import member

ADDRESS = "m1@example.com"


@pytest.fixture
def sink():
    with sink_kit.KitSink() as kit_sink:
        yield kit_sink


def start(stage, sink, more="    rate = 1000\n", key="kit-1"):
    stage.secret("kit", key)
    stage.config("crm", f'    provider = kit\n    url = "{sink.url}"\n'
                        '    key = "file:secrets/kit"\n' + more)
    return stage.start("crm")


def synced(stage, number=1):
    return stage.wait_job("crm", f"crm:mem_{number:04d}", "done")


def test_done_once_with_a_tag_that_is_made_and_known_by_its_id_from_then_on(stage, sink):
    start(stage, sink)
    stage.publish(member(1))
    synced(stage)
    only, = sink.subscribers.values()
    assert only == {"email_address": ADDRESS, "first_name": "Member 1", "fields": {},
                    "tags": {"member"}}
    assert set(sink.tags) == {"newsletter", "member"}
    assert [c["method"] for c in sink.log] == ["POST", "GET", "GET", "POST", "POST"]
    stage.publish(member(1, 2, tags=[]), "member.revoked")
    stage.kit.wait_until(lambda: only["tags"] == set(), what="the tag taken away")
    synced(stage)
    stage.publish(member(1, 3), "member.activated")
    stage.kit.wait_until(lambda: only["tags"] == {"member"}, what="the tag again")
    synced(stage)
    assert [c["method"] for c in sink.log[5:]] == ["PUT", "GET", "DELETE", "PUT", "GET", "POST"]


def test_an_existing_subscriber_keeps_its_own_tags(stage, sink):
    theirs = sink.add(ADDRESS, {"vip", "trial"})
    sink.page = 2  # the list of tags has pages
    for n in range(5):
        sink.tags[f"a{n}"] = 1000 + n
    sink.tags["member"] = 2000
    start(stage, sink)
    stage.publish(member(1))
    synced(stage)
    assert theirs["tags"] == {"vip", "member"} and len(sink.subscribers) == 1
    assert sink.tags["member"] == 2000 and len(sink.calls("POST", "/v4/tags/")) == 1


def test_a_changed_address_keeps_one_subscriber(stage, sink):
    start(stage, sink)
    stage.publish(member(1))
    synced(stage)
    sink.script(LOST, method="PUT")
    stage.publish(member(1, 2, email="new@example.com"), "member.changed")
    stage.kit.wait_until(lambda: sink.of("new@example.com"), what="the new address")
    synced(stage)
    assert len(sink.subscribers) == 1
    sink.add("taken@example.com", {"vip"})
    stage.publish(member(1, 3, email="taken@example.com", tags=["trial"]), "member.changed")
    stage.kit.wait_until(lambda: sink.of("new@example.com")["tags"] == {"trial"}, what="the tags")
    assert sink.of("taken@example.com")["tags"] == {"vip"}


TROUBLES = [Answer(500), Answer(429, {"errors": ["Too many requests"]}), LOST, GARBAGE,
            Answer(200, {"errors": ["inside"]}), Answer(200, body=b'{"subscriber": {"id": 1'),
            Answer(act=True, slow_s=0.9)]


@pytest.mark.parametrize("method, path", [("POST", "/subscribers"), ("GET", "/subscribers/"),
                                          ("GET", "/v4/tags"), ("POST", "/subscribers/")],
                         ids=["make", "look", "ids", "add"])
def test_trouble_is_over_and_one_subscriber_stands(stage, sink, method, path):
    start(stage, sink)
    for number, trouble in enumerate(TROUBLES, 1):
        sink.script(trouble, method=method, path=path)
        stage.publish(member(number))
        synced(stage, number)
        assert sink.of(f"m{number}@example.com")["tags"] == {"member"}
        assert len(sink.subscribers) == number == len(stage.news("job.retrying"))
    assert not stage.news("job.dead") and not sink.scripts_left()


def test_what_is_made_in_the_background_is_waited_for(stage, sink):
    start(stage, sink)
    sink.background = 1
    stage.publish(member(1))
    told = stage.kit.wait_until(lambda: stage.news("job.retrying"), what="the first attempt's end")
    assert "background" in told[0]["data"]["error"]
    stage.admin("admin.retried", {"actor": "crm", "key": "crm:mem_0001", "reason": "now"})
    synced(stage)
    only, = sink.subscribers.values()
    assert only["tags"] == {"member"}


def test_what_kit_refuses_is_explained_without_the_address(stage, sink):
    start(stage, sink, '    rate = 1000\n    state_field = "usher_state"\n')
    for number, more, words in [(1, {"email": "nobody"}, "invalid"),
                                (2, {}, 'no custom field "usher_state"')]:
        stage.publish(member(number, **more))
        dead = stage.wait_job("crm", f"crm:mem_{number:04d}", "dead")
        assert words in dead["error"] and "@" not in dead["error"]
    sink.fields.add("usher_state")
    stage.admin("admin.retried", {"actor": "crm", "key": "crm:mem_0002", "reason": "made"})
    synced(stage, 2)
    assert sink.of("m2@example.com")["fields"] == {"usher_state": "active"}


def test_tags_and_subscribers_that_were_deleted_are_made_again(stage, sink):
    start(stage, sink)
    stage.publish(member(1))
    synced(stage)
    sink.subscribers.clear()
    sink.tags.clear()
    stage.publish(member(1, 2, state="ending"), "member.changed")
    stage.kit.wait_until(lambda: sink.of(ADDRESS) and sink.of(ADDRESS)["tags"] == {"member"},
                         what="made again")
    synced(stage)
    assert len(sink.subscribers) == 1 and not stage.news("job.dead")


def test_an_expired_key_holds_all_and_spends_nothing(stage, sink):
    sink.key = "kit-2"
    start(stage, sink)
    stage.publish_many([member(n) for n in range(1, 13)])
    stage.kit.wait_until(lambda: stage.news("target.refused"), what="target.refused")
    assert not sink.subscribers
    stage.secret("kit", "kit-2")
    stage.wait_all("crm", 12)
    assert len(sink.subscribers) == 12
    assert not stage.news("job.dead") and not stage.news("job.retrying")
    assert len(stage.news("target.refused")) == 1 == len(stage.news("target.accepted"))


def test_merged_members_leave_one_subscriber(stage, sink):
    start(stage, sink)
    for number in [1, 2]:
        stage.publish(member(number))
    stage.wait_all("crm", 2)
    sink.of("m2@example.com")["tags"].add("vip")
    sink.tags["vip"] = 99
    stage.publish(member(1, 5, aliases=["mem_0001", "mem_0002"], merged=["mem_0002"]),
                  "member.changed")
    stage.kit.wait_until(lambda: sink.of("m2@example.com")["tags"] == {"vip"}, what="the retired one")
    assert sink.of(ADDRESS)["tags"] == {"member"}


@pytest.mark.parametrize("text, words", [
    ("", "crm/key"), ('    key = x\n    url = "http://api.kit.com"\n', "crm/url")])
def test_bad_settings_are_refused(stage, text, words):
    stage.config("crm", "    provider = kit\n" + text, fast=False)
    code, said = stage.check("crm")
    assert code == 78 and words in said, said
