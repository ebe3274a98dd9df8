"""The embedded providers: everything once, without anything installed."""
import pathlib

from stage import effect, member


def test_contact_mail_and_note_once(stage):
    for actor in ["crm", "support", "mailer"]:
        stage.config(actor)
        stage.start(actor)
    one = member(1, effects=[effect("welcome:mem_0001"),
                             effect("refund:ch_1", "support", "refund",
                                    data={"amount": 2900, "currency": "usd", "object": "ch_1"})])
    stage.publish(one)
    stage.publish({**one, "version": 2}, "member.changed")
    stage.wait_job("mailer", "welcome:mem_0001", "done")
    stage.wait_job("support", "refund:ch_1", "done")
    stage.kit.wait_until(lambda: stage.ask("crm", {"ask": "member", "member": "mem_0001"})
                         ["version"] == 2, what="version 2 shown")

    contacts = stage.ask("crm", {"ask": "contacts"})["contacts"]
    assert len(contacts) == 1
    assert contacts[0]["tags"] == ["member"] and contacts[0]["email"] == "m1@example.com"
    assert set(contacts[0]["applied"].values()) == {1}
    notes = stage.ask("support", {"ask": "notes"})["notes"]
    assert [n["applied"] for n in notes] == [1]
    assert "29.00 USD" in notes[0]["text"] and "[usher:refund:ch_1]" in notes[0]["text"]
    mails = list(pathlib.Path(stage.home, "mail", "new").iterdir())
    assert len(mails) == 1
    assert b"Subject: Welcome to Community, Member 1!" in mails[0].read_bytes()

    done = stage.news("job.done", "mailer")
    assert [e["data"]["key"] for e in done] == ["welcome:mem_0001"]
    assert done[0]["trace"] == "stripe:evt_1" and done[0]["subject"] == "mem_0001"


def test_no_contact_without_a_tag(stage):
    stage.config("crm")
    stage.start("crm")
    stage.publish(member(1, tags=[], state="none", access=False), "member.changed")
    stage.publish(member(2))
    stage.wait_job("crm", "crm:mem_0002", "done")
    assert len(stage.ask("crm", {"ask": "contacts"})["contacts"]) == 1


def test_rebuilt_store_sends_nothing_twice(stage):
    for actor in ["crm", "mailer"]:
        stage.config(actor)
    processes = [stage.start(actor) for actor in ["crm", "mailer"]]
    for number in range(1, 21):
        stage.publish(member(number, effects=[effect(f"welcome:mem_{number:04d}")]))
    stage.wait_all("mailer", 20)
    stage.wait_all("crm", 20)
    before = len(stage.news("job.done"))
    mails = {p.name: p.stat().st_mtime_ns
             for p in pathlib.Path(stage.home, "mail", "new").iterdir()}
    for process in processes:
        assert process.stop() == 0, process.log()
    for actor in ["crm", "mailer"]:
        folder = pathlib.Path(stage.home, "data", actor)
        folder.rename(folder.with_suffix(".old"))
        stage.start(actor)
    stage.publish(member(21, effects=[effect("welcome:mem_0021")]))
    stage.wait_all("mailer", 21)
    stage.wait_all("crm", 21)
    assert len(stage.news("job.done")) == before + 2
    for path in pathlib.Path(stage.home, "mail", "new").iterdir():
        assert mails.get(path.name, path.stat().st_mtime_ns) == path.stat().st_mtime_ns
