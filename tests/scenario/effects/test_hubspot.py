"""The CRM actor against a HubSpot that misbehaves: one contact, the newest state, no storm."""
import pathlib
import time

from sinks import GARBAGE, LOST, REDIRECT, Answer
from stage import member

CONTACTS = "/crm/v3/objects/contacts"


def only_contact(sink):
    assert len(sink.contacts) == 1, sink.contacts
    return next(iter(sink.contacts.values()))


def test_done_once_with_its_properties(stage, http_sink):
    stage.hubspot(http_sink)
    stage.publish(member(1))
    stage.wait_job("crm", "crm:mem_0001", "done")
    contact = only_contact(http_sink)
    assert contact == {"email": "m1@example.com", "usher_tags": "member", "usher_state": "active",
                       "usher_active": "true", "firstname": "Member", "lastname": "1"}
    assert [c["method"] for c in http_sink.log] == ["POST"]
    assert http_sink.log[0]["headers"]["Authorization"] == "Bearer pat-1"


def test_existing_contact_is_taken_and_its_own_tags_stay(stage, http_sink):
    http_sink.contacts["7"] = {"email": "m1@example.com", "usher_tags": "vip;trial",
                               "firstname": "Augusta"}
    stage.hubspot(http_sink)
    stage.publish(member(1))
    stage.wait_job("crm", "crm:mem_0001", "done")
    contact = only_contact(http_sink)
    assert contact["usher_tags"] == "vip;member" and contact["firstname"] == "Augusta"


def test_changed_address_makes_no_second_contact(stage, http_sink):
    stage.hubspot(http_sink)
    stage.publish(member(1))
    stage.wait_job("crm", "crm:mem_0001", "done")
    stage.publish(member(1, 2, email="new@example.com"), "member.changed")
    stage.kit.wait_until(lambda: only_contact(http_sink)["email"] == "new@example.com",
                         what="the new address")


def test_429_waits_as_long_as_it_was_asked_to(stage, http_sink):
    stage.hubspot(http_sink)
    http_sink.script(Answer(429, {"policyName": "SECONDLY"}, retry_after=1), path=CONTACTS)
    stage.publish(member(1))
    stage.wait_job("crm", "crm:mem_0001", "done")
    first, second = http_sink.calls("POST")
    assert second["time"] - first["time"] >= 0.99
    only_contact(http_sink)


def test_429_is_said_to_all_of_us(stage, http_sink):
    stage.hubspot(http_sink)
    http_sink.script(Answer(429, {}, retry_after=1), path=CONTACTS)
    stage.publish(member(1))
    stage.kit.wait_until(lambda: stage.news("job.retrying"), what="the first attempt's end")
    stage.publish(member(2))
    stage.wait_all("crm", 2)
    times = [c["time"] for c in http_sink.calls("POST")]
    assert all(t - times[0] >= 0.99 for t in times[1:])


DAILY = Answer(429, {"status": "error", "errorType": "RATE_LIMIT", "policyName": "DAILY"})


def test_a_daily_limit_holds_all_jobs_over_a_restart_until_a_person_lets_it_go_on(stage, http_sink):
    process = stage.hubspot(http_sink)
    http_sink.script(DAILY, path=CONTACTS)
    stage.publish(member(1))
    told = stage.kit.wait_until(lambda: stage.news("job.retrying"), what="the first attempt's end")
    assert told[0]["data"]["attempt"] == 0  # it cost the job nothing
    stage.publish_many([member(n) for n in range(2, 12)])
    stage.kit.wait_until(lambda: len(stage.jobs("crm", state="waiting") or []) == 11, what="11 jobs")
    assert process.stop() == 0
    stage.start("crm")

    def held():
        problems = (stage.ask("crm", {"ask": "problems"}) or {}).get("problems", [])
        return problems if problems and problems[0]["count"] == 11 else None

    problem, = stage.kit.wait_until(held, what="the problem")
    assert problem["cause"] == "held" and "daily limit" in problem["error"]
    assert problem["next_at"] - problem["since"] == 3600 * 1000
    assert len(http_sink.log) == 1
    http_sink.script(DAILY, path=CONTACTS)  # let go on too early: one call finds out, no storm
    stage.admin("admin.resumed", {"actor": "crm", "slot": "crm"})
    stage.kit.wait_until(lambda: not http_sink.scripts_left(), what="one try")
    stage.kit.wait_until(held, what="held again")
    assert len(http_sink.log) == 2
    stage.admin("admin.resumed", {"actor": "crm", "slot": "crm"})
    stage.admin("admin.retried", {"actor": "crm", "key": "crm:mem_0001", "reason": "raised"})
    stage.kit.wait_until(lambda: len(http_sink.contacts) >= 10, what="those that were not tried")
    assert not stage.news("job.dead")


def test_the_rest_of_a_day_is_kept_for_what_is_fresh(stage, http_sink):
    stage.hubspot(http_sink, more="    calls = 1\n")
    left = {"X-HubSpot-RateLimit-Daily": "1000", "X-HubSpot-RateLimit-Daily-Remaining": "9"}
    http_sink.script(Answer(201, {"id": "7"}, headers=left), method="POST")
    stage.publish(member(1))
    stage.wait_job("crm", "crm:mem_0001", "done")
    stage.publish_many([member(n) for n in range(10, 20)], "member.changed")
    stage.publish(member(2))
    stage.wait_job("crm", "crm:mem_0002", "done")
    assert [c["body"]["properties"]["email"] for c in http_sink.calls("POST")] == [
        "m1@example.com", "m2@example.com"]
    assert len(stage.jobs("crm", state="waiting")) == 10


def test_5xx_then_fine(stage, http_sink):
    stage.hubspot(http_sink)
    http_sink.script(Answer(500), Answer(503), Answer(502), path=CONTACTS)
    stage.publish(member(1))
    job = stage.wait_job("crm", "crm:mem_0001", "done")
    assert job["attempt"] == 4
    assert len(stage.news("job.retrying", "crm")) == 3
    only_contact(http_sink)


def test_lost_answer_makes_one_contact_and_asserts_it_once_more(stage, http_sink):
    stage.hubspot(http_sink)
    http_sink.script(LOST, path=CONTACTS)
    stage.publish(member(1))
    stage.wait_job("crm", "crm:mem_0001", "done")
    only_contact(http_sink)
    writes = [c for c in http_sink.log if c["method"] != "GET"]
    # POST lost; POST 409 -> PATCH; and once more, one time-out later
    assert [c["method"] for c in writes] == ["POST", "POST", "PATCH", "PATCH"]
    assert writes[3]["time"] - writes[2]["time"] >= 0.49


def test_slow_answer_is_not_waited_for(stage, http_sink):
    stage.hubspot(http_sink)
    http_sink.script(Answer(act=True, slow_s=1.5), path=CONTACTS)
    stage.publish(member(1))
    stage.wait_job("crm", "crm:mem_0001", "done")
    only_contact(http_sink)


def test_garbage_is_tried_again_and_a_redirect_is_never_followed(stage, http_sink):
    stage.hubspot(http_sink)
    http_sink.script(GARBAGE, path=CONTACTS)
    stage.publish(member(1))
    stage.wait_job("crm", "crm:mem_0001", "done")
    http_sink.script(REDIRECT, method="POST", path=CONTACTS)
    stage.publish(member(2))
    dead = stage.wait_job("crm", "crm:mem_0002", "dead")
    assert "redirect" in dead["error"]
    assert not http_sink.calls(path="elsewhere")
    stage.admin("admin.retried", {"actor": "crm", "key": "crm:mem_0002", "reason": "fixed"})
    stage.wait_job("crm", "crm:mem_0002", "done")


def test_missing_option_is_explained(stage, http_sink):
    http_sink.options = {"trial"}
    stage.hubspot(http_sink)
    stage.publish(member(1))
    dead = stage.wait_job("crm", "crm:mem_0001", "dead")
    assert 'the tag "member" is not among the options' in dead["error"]
    assert "usher_tags" in dead["error"]
    http_sink.options = None
    stage.publish(member(2))
    dead = stage.wait_job("crm", "crm:mem_0002", "dead")
    assert "has no contact property" in dead["error"]


def test_expired_key_raises_one_alarm_and_spends_no_attempts(stage, http_sink):
    http_sink.key = "pat-2"
    stage.hubspot(http_sink, key="pat-1")
    stage.publish_many([member(n) for n in range(1, 31)])
    refused = stage.kit.wait_until(lambda: stage.news("target.refused"), what="target.refused")
    first_calls = len(http_sink.log)
    assert first_calls <= 8 + 3  # those under way, and a probe
    stage.kit.wait_until(lambda: len(http_sink.calls(path="limit=1")) >= 2, what="two probes")
    assert len(stage.jobs("crm", state="waiting")) == 30
    assert {j["attempt"] for j in stage.jobs("crm", state="waiting")} == {0}

    stage.secret("hubspot", "pat-2")
    stage.wait_all("crm", 30)
    assert len(http_sink.contacts) == 30
    assert len(refused) == 1 == len(stage.news("target.refused"))
    assert len(stage.news("target.accepted")) == 1
    assert not stage.news("job.dead") and not stage.news("job.retrying")
    assert {j["attempt"] for j in stage.jobs("crm", state="done")} == {1}


def test_another_provider_takes_what_a_refused_one_left(stage, http_sink):
    http_sink.key = "pat-2"
    process = stage.hubspot(http_sink, key="pat-1")
    stage.publish_many([member(n) for n in range(1, 4)])
    stage.kit.wait_until(lambda: stage.news("target.refused"), what="target.refused")
    assert process.stop() == 0
    stage.config("crm", "    provider = local\n")
    stage.start("crm")
    stage.wait_all("crm", 3)
    accepted = stage.news("target.accepted")
    assert [e["data"]["target"] for e in accepted] == ["hubspot"]  # so that its alert is cleared


def test_403_is_one_jobs_end_unless_the_key_is_refused(stage, http_sink):
    stage.hubspot(http_sink)
    http_sink.script(Answer(403, {"category": "MISSING_SCOPES"}), method="POST")
    stage.publish(member(1))
    stage.wait_job("crm", "crm:mem_0001", "dead")
    stage.publish(member(2))
    stage.wait_job("crm", "crm:mem_0002", "done")
    assert not stage.news("target.refused")
    http_sink.script(Answer(403), method="POST")
    http_sink.script(Answer(403), path="limit=1")
    stage.publish(member(3))
    stage.wait_job("crm", "crm:mem_0003", "done")
    assert len(stage.news("target.refused")) == 1
    assert len(stage.news("target.accepted")) == 1


def test_a_probe_that_meets_trouble_says_nothing_of_the_key(stage, http_sink):
    stage.hubspot(http_sink, key="pat-1")
    http_sink.script(Answer(403), method="POST")
    http_sink.script(Answer(503), path="limit=1")
    stage.publish(member(1))
    stage.wait_job("crm", "crm:mem_0001", "done")
    assert not stage.news("job.dead") and not stage.news("target.refused")

    http_sink.key = "pat-2"
    http_sink.script(Answer(503), Answer(429), path="limit=1")
    stage.publish(member(2))
    stage.kit.wait_until(lambda: len(http_sink.calls(path="limit=1")) >= 4, what="three probes")
    assert len(stage.news("target.refused")) == 1
    assert not stage.news("target.accepted")
    stage.secret("hubspot", "pat-2")
    stage.wait_all("crm", 2)
    assert len(stage.news("target.refused")) == 1 == len(stage.news("target.accepted"))


def test_a_job_that_needs_no_call_leaves_the_breaker_alone(stage, http_sink):
    stage.hubspot(http_sink)
    http_sink.down = True
    stage.publish(member(2))
    stage.publish(member(1))
    stage.kit.wait_until(lambda: len(stage.news("job.retrying")) >= 7, what="the breaker opens")
    # first in line, it is retired without ever having had a contact
    stage.publish(member(1, 5, aliases=["mem_0001", "mem_0002"], merged=["mem_0002"]),
                  "member.changed")
    stage.wait_job("crm", "crm:mem_0002", "superseded")
    http_sink.down = False
    stage.wait_job("crm", "crm:mem_0001", "done")
    assert [c["email"] for c in http_sink.contacts.values()] == ["m1@example.com"]


def test_down_for_long_then_the_newest_state_once(stage, http_sink):
    stage.hubspot(http_sink)
    http_sink.down = True
    states = ["active", "paused", "active", "revoked"]
    for number in range(1, 6):
        stage.publish(member(number))
    for version, state in enumerate(states, 2):
        for number in range(1, 6):
            stage.publish(member(number, version, state=state, tags=["refunded"]), "member.changed")
    stage.kit.wait_until(lambda: len(stage.news("job.retrying")) >= 5, what="some attempts")
    calls_down = len(http_sink.log)
    http_sink.down = False
    stage.kit.wait_until(lambda: stage.jobs("crm", state="done") and
                         len(stage.jobs("crm", state="done")) == 5, 20, "all synced")
    assert calls_down == 0
    assert len(http_sink.contacts) == 5
    assert {c["usher_state"] for c in http_sink.contacts.values()} == {"revoked"}
    assert {c["usher_tags"] for c in http_sink.contacts.values()} == {"refunded"}
    # an older state never came after a newer one
    for call in http_sink.calls("PATCH") + http_sink.calls("POST"):
        assert call["body"]["properties"]["usher_state"] == "revoked"


def test_a_newer_state_while_the_older_is_under_way(stage, http_sink):
    stage.hubspot(http_sink)
    http_sink.script(Answer(act=True, slow_s=0.3), method="POST")
    stage.publish(member(1))
    stage.kit.wait_until(lambda: http_sink.calls("POST"), what="the call")
    stage.publish(member(1, 2, state="paused", tags=["payment-failed"]), "member.paused")
    stage.kit.wait_until(lambda: only_contact(http_sink)["usher_state"] == "paused",
                         what="the newer state")
    stage.wait_job("crm", "crm:mem_0001", "done")
    versions = [e["data"]["version"] for e in stage.news("job.done", "crm")]
    assert versions == [1, 2]


def test_merged_members_leave_one_contact(stage, http_sink):
    stage.hubspot(http_sink)
    for number in [1, 2]:
        stage.publish(member(number))
    stage.wait_all("crm", 2)
    assert len(http_sink.contacts) == 2
    stage.publish(member(1, 5, aliases=["mem_0001", "mem_0002"], merged=["mem_0002"]),
                  "member.changed")
    by_address = {c["email"]: n for n, c in http_sink.contacts.items()}
    retired = http_sink.contacts[by_address["m2@example.com"]]
    stage.kit.wait_until(lambda: retired["usher_state"] == "merged", what="the other one retired")
    assert retired["usher_tags"] == "" and retired["usher_active"] == "false"
    stage.wait_all("crm", 2)
    calls = len(http_sink.log)
    stage.publish(member(1, 6, aliases=["mem_0001", "mem_0002"], state="ending"), "member.changed")
    alive = http_sink.contacts[by_address["m1@example.com"]]
    stage.kit.wait_until(lambda: alive["usher_state"] == "ending", what="the survivor follows")
    stage.wait_all("crm", 2)
    assert retired["usher_state"] == "merged"
    assert len(http_sink.log) == calls + 2  # look and write, of the survivor alone


def test_killed_during_calls(stage, http_sink):
    process = stage.hubspot(http_sink)
    stage.publish_many([member(n) for n in range(1, 61)])
    for done in [5, 15, 25]:
        stage.kit.wait_until(lambda: len(http_sink.contacts) >= done, 20, f"{done} contacts")
        process.kill()
        process = stage.start("crm")
    stage.kit.wait_until(lambda: len(http_sink.contacts) == 60, 30, "60 contacts")
    stage.wait_all("crm", 60)
    creations = [c["body"]["properties"]["email"] for c in http_sink.calls("POST")]
    assert len(creations) - 60 <= 3 * 8  # those that were under way at a kill
    assert len(http_sink.contacts) == 60


def test_no_attempt_before_its_schedule(stage, http_sink):
    stage.hubspot(http_sink)
    http_sink.script(*[Answer(500)] * 6, path=CONTACTS)
    stage.publish(member(1))
    started = time.monotonic()
    stage.wait_job("crm", "crm:mem_0001", "done", 30)
    assert time.monotonic() - started < 20
    planned = [e["data"]["next_at"] for e in stage.news("job.retrying")]
    assert planned == sorted(planned) and len(planned) == 6


def test_rebuilt_store_knows_its_contacts(stage, http_sink):
    process = stage.hubspot(http_sink)
    for number in range(1, 6):
        stage.publish(member(number))
    stage.wait_all("crm", 5)
    calls = len(http_sink.log)
    assert process.stop() == 0
    folder = pathlib.Path(stage.home, "data", "crm")
    folder.rename(folder.with_suffix(".old"))
    stage.start("crm")
    stage.publish(member(1, 2, email="new@example.com"), "member.changed")
    stage.kit.wait_until(lambda: "new@example.com" in
                         [c["email"] for c in http_sink.contacts.values()], what="the new address")
    stage.wait_all("crm", 5)
    assert len(http_sink.contacts) == 5
    assert len(http_sink.log) == calls + 2  # look and write, of the one that changed
