"""What a person does to jobs and targets: pausing, resuming, trying again, a mail once more."""
import pathlib
import time

from sinks import Answer
from stage import effect, member
from usher_client import event


def pause(stage, kind, actor="crm"):
    stage.admin(kind, {"actor": actor, "slot": actor, "reason": "maintenance"})


def targets(stage, actor):
    peers = stage.ask("broker", {"ask": "status"})["peers"]
    return next((peer.get("report", {}).get("targets") for peer in peers if peer["name"] == actor), None)


def test_a_paused_target_gets_nothing_across_a_crash(stage, http_sink):
    crm = stage.hubspot(http_sink)
    pause(stage, "admin.paused")
    stage.kit.wait_until(lambda: targets(stage, "crm") == {"crm": "paused"}, what="paused")
    stage.publish(member(1))
    stage.wait_job("crm", "crm:mem_0001", "waiting")
    crm.kill()
    stage.start("crm")
    stage.kit.wait_until(lambda: targets(stage, "crm") == {"crm": "paused"}, what="still paused")
    problem = stage.ask("crm", {"ask": "problems"})["problems"][0]
    assert (problem["cause"], problem["count"], problem["error"]) == ("paused", 1, "maintenance")
    assert http_sink.calls() == [] and stage.job("crm", "crm:mem_0001")["attempt"] == 0
    pause(stage, "admin.resumed")
    stage.wait_job("crm", "crm:mem_0001", "done")
    assert len(http_sink.calls("POST")) == 1
    assert stage.ask("crm", {"ask": "problems"})["problems"] == []


def test_many_jobs_are_one_problem_and_a_retry_does_not_wait_for_the_probe(stage, http_sink):
    http_sink.key = "right"
    stage.secret("hubspot", "wrong")
    stage.config("crm", f'    provider = hubspot\n    url = "{http_sink.url}"\n'
                        '    key = "file:secrets/hubspot"\n    probe = "1h"\n', fast=False)
    stage.start("crm")
    stage.publish_many([member(n) for n in range(1, 31)])
    stage.kit.wait_until(lambda: targets(stage, "crm") == {"crm": "refused"}, what="refused")
    problem = stage.kit.wait_until(lambda: next(
        (p for p in stage.ask("crm", {"ask": "problems"})["problems"] if p["count"] == 30), None), what="one problem")
    assert problem["cause"] == "refused" and problem["members"] == 30 and problem["target"] == "hubspot"
    like = stage.ask("crm", {"ask": "like", "key": problem["sample"]["key"]})
    assert like["count"] == 30 and len(like["keys"]) == 30
    stage.secret("hubspot", "right")
    for key in like["keys"]:
        stage.admin("admin.retried", {"actor": "crm", "key": key, "reason": "new key"})
    stage.wait_all("crm", 30)
    assert len({c["body"]["properties"]["email"] for c in http_sink.calls("POST") if c["status"] < 400}) == 30


def test_dead_letters_of_one_cause(stage, http_sink):
    stage.hubspot(http_sink)
    http_sink.script(*[Answer(400, {"message": f"bad value at {n}"}) for n in range(5)], method="POST")
    stage.publish_many([member(n) for n in range(1, 6)])
    stage.wait_all("crm", 5, "dead")
    problems = stage.ask("crm", {"ask": "problems"})["problems"]
    assert [(p["cause"], p["count"]) for p in problems] == [("dead", 5)], problems


def test_a_mail_once_more_is_another_mail_once(stage, smtp_sink):
    stage.smtp(smtp_sink)
    stage.publish(member(1, effects=[effect("welcome:mem_0001")]))
    stage.wait_job("mailer", "welcome:mem_0001", "done")
    stage.admin("admin.resent", {"actor": "mailer", "key": "welcome:mem_0001", "member": "mem_0001", "reason": "lost"})
    stage.admin("admin.resent", {"actor": "mailer", "key": "welcome:nobody", "member": "mem_0001", "reason": "x"})
    stage.wait_all("mailer", 2)
    assert len(smtp_sink.ids()) == 2 and len(set(smtp_sink.ids())) == 2


def test_words_are_cut_between_characters(stage, http_sink):
    """A long reason in another script stops nobody, however often it is read again."""
    crm = stage.hubspot(http_sink)
    stage.admin("admin.paused", {"actor": "crm", "slot": "crm", "reason": "é" * 240})
    stage.kit.wait_until(lambda: targets(stage, "crm") == {"crm": "paused"}, what="paused")
    stage.publish(member(1))
    stage.wait_job("crm", "crm:mem_0001", "waiting")
    stage.admin("admin.skipped", {"actor": "crm", "key": "crm:mem_0001", "reason": "x" + "é" * 200})
    stage.wait_job("crm", "crm:mem_0001", "skipped")
    crm.kill()
    stage.start("crm")
    assert stage.job("crm", "crm:mem_0001")["error"].startswith("xé")


def again(stage, key, **more):
    stage.admin("admin.resent", {"actor": "mailer", "key": key, "member": "mem_0001", "reason": "lost", **more})


def keys(stage, state="done"):
    return sorted(job["key"] for job in stage.jobs("mailer", state=state) or [])


def test_a_paused_target_is_not_probed(stage, http_sink):
    http_sink.key = "right"
    crm = stage.hubspot(http_sink, key="wrong")
    stage.publish(member(1))
    stage.kit.wait_until(lambda: stage.news("target.refused"), what="target.refused")
    pause(stage, "admin.paused")
    stage.kit.wait_until(lambda: targets(stage, "crm") == {"crm": "paused"}, what="paused")
    crm.kill()
    calls = len(http_sink.calls())
    stage.secret("hubspot", "right")
    stage.start("crm")
    stage.kit.wait_until(lambda: targets(stage, "crm") == {"crm": "paused"}, what="still paused")
    assert len(http_sink.calls()) == calls and stage.job("crm", "crm:mem_0001")["paused"]
    pause(stage, "admin.resumed")
    stage.wait_job("crm", "crm:mem_0001", "done")
    assert not stage.job("crm", "crm:mem_0001")["paused"]


def test_a_pause_does_not_use_up_the_time_that_a_job_has(stage, http_sink):
    stage.secret("hubspot", "pat-1")
    stage.config("crm", f'    provider = hubspot\n    url = "{http_sink.url}"\n'
                        '    key = "file:secrets/hubspot"\n    retry\n        first = "1s"\n'
                        '        max = "1s"\n        give_up = "500ms"\n', fast=False)
    http_sink.script(Answer(503), Answer(503), method="POST")
    stage.start("crm")
    stage.publish(member(1))
    stage.kit.wait_until(lambda: stage.news("job.retrying"), what="the first attempt")
    pause(stage, "admin.paused")
    stage.kit.wait_until(lambda: targets(stage, "crm") == {"crm": "paused"}, what="paused")
    due = stage.job("crm", "crm:mem_0001")["next_at"]
    stage.kit.wait_until(lambda: time.time() * 1000 > due + 500, what="longer than it has")
    pause(stage, "admin.resumed")
    stage.wait_job("crm", "crm:mem_0001", "done")
    assert not stage.news("job.dead")


def test_pauses_of_others_are_not_ours(stage, http_sink):
    stage.hubspot(http_sink)
    pause(stage, "admin.paused", "mailer")
    stage.admin("admin.paused", {"actor": "crm", "slot": "nobody", "reason": "x"})
    stage.publish(member(1))
    stage.wait_job("crm", "crm:mem_0001", "done")


def test_a_retry_does_not_wait_for_the_breaker(stage, http_sink):
    http_sink.down = True
    stage.secret("hubspot", "pat-1")
    stage.config("crm", f'    provider = hubspot\n    url = "{http_sink.url}"\n'
                        '    key = "file:secrets/hubspot"\n    retry\n        first = "30m"\n'
                        '        max = "30m"\n', fast=False)
    stage.start("crm")
    stage.publish_many([member(n) for n in range(1, 9)])
    stage.kit.wait_until(lambda: targets(stage, "crm") == {"crm": "down"}, what="down")
    (problem,) = stage.ask("crm", {"ask": "problems"})["problems"]
    assert problem["cause"] == "down" and problem["count"] == 8
    http_sink.down = False
    stage.admin("admin.retried", {"actor": "crm", "key": "crm:mem_0001", "reason": "it is back"})
    stage.wait_job("crm", "crm:mem_0001", "done")


def test_once_more_of_what_is_over_and_of_nothing_else(stage, smtp_sink):
    mailer = stage.smtp(smtp_sink)
    card = effect("card:in_1", kind="card", settle_ms=60000)
    stage.publish(member(1, effects=[effect("welcome:mem_0001"), card]))
    stage.wait_job("mailer", "welcome:mem_0001", "done")
    stage.wait_job("mailer", "card:in_1", "settling")
    again(stage, "card:in_1")  # it has not gone out yet
    again(stage, "welcome:mem_0001", actor="support")
    stage.person("ada").publish([event("tools:again", "admin.resent",
                                       {"actor": "mailer", "key": "welcome:mem_0001", "reason": "lost"})])
    first = stage.kit.wait_until(lambda: [key for key in keys(stage) if ":again:" in key], what="once more")[0]
    stage.publish(member(1, 2, effects=[card]))  # the newest document no longer names it
    again(stage, first)
    stage.kit.wait_until(lambda: len(keys(stage)) == 3, what="and once more")
    job = stage.job("mailer", first)
    assert (job["kind"], job["member"], job["who"]) == ("welcome", "mem_0001", "ada")
    assert {key.split(":again:")[0] for key in keys(stage)} == {"welcome:mem_0001"}
    assert len(set(smtp_sink.ids())) == len(smtp_sink.ids()) == 3
    assert keys(stage, "settling") == ["card:in_1"]
    # a store made anew knows all of them
    assert mailer.stop() == 0
    assert "cannot be sent again" in mailer.log()
    folder = pathlib.Path(stage.home, "data", "mailer")
    folder.rename(folder.with_suffix(".old"))
    stage.start("mailer")
    stage.publish(member(2, effects=[effect("welcome:mem_0002")]))
    stage.wait_job("mailer", "welcome:mem_0002", "done")
    assert len(smtp_sink.ids()) == 4


def test_a_dead_mail_once_more(stage, smtp_sink):
    smtp_sink.rcpt_answers = ["550 no such user"]
    folder = pathlib.Path(stage.home, "templates")
    folder.mkdir()
    (folder / "card.txt").write_text("Subject: Your card\n\n{{amount}} for {{object}}\n")
    refund = effect("refunded:ch_1", kind="card", data={"amount": 2900, "currency": "usd", "object": "in_1"})
    stage.smtp(smtp_sink)
    stage.publish(member(1, effects=[refund]))
    stage.wait_job("mailer", "refunded:ch_1", "dead")
    again(stage, "refunded:ch_1")
    stage.wait_all("mailer", 1)
    (mail,) = smtp_sink.mails
    assert b"29.00 USD" in mail["text"]
