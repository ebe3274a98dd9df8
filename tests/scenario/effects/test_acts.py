"""What a person does to jobs and targets: pausing, resuming, trying again, a mail once more."""
from sinks import Answer
from stage import effect, member


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
