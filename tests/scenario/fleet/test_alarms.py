"""A quiet run raises no alert; each outage over its threshold exactly one, and one recovery."""
import sinks
from fleet import OUTSIDE, Fleet
from kit import wait_until
from stripe import Person

CONFIG = OUTSIDE.replace("alert\n", 'alert\n    crm_behind = "2s"\n    missing = "3s"\n'
                                    '    latency = "1h"\n    disk = 99\n')


def told(fleet):
    """What was raised and cleared, in order."""
    return [(e["type"].split(".")[1], e["data"]["rule"]) for e in fleet.journal()
            if e["type"].startswith("alert.")]


def expect(fleet, expected):
    try:
        wait_until(lambda: told(fleet) == expected, 20)
    except AssertionError:
        assert told(fleet) == expected


def pay(fleet, person):
    for event in person.purchase():
        fleet.deliver(event)
    fleet.member(person.email, access=True)


def test_quiet_then_one_alert_and_one_recovery_for_each_outage(fleet_home):
    with sinks.HttpSink(options={"member"}) as crm, sinks.SmtpSink() as smtp, \
            Fleet(fleet_home, CONFIG, crm=crm.url, smtp=smtp.url) as fleet:
        pay(fleet, Person("quiet@example.com", "Quiet"))
        fleet.settle()
        expected = []
        assert told(fleet) == expected

        crm.down = True
        for number in range(3):
            pay(fleet, Person(f"down{number}@example.com", "Down"))
        expected += [("raised", "crm_behind")]
        expect(fleet, expected)
        crm.down = False
        expected += [("cleared", "crm_behind")]
        expect(fleet, expected)

        fleet.children["mailer"].stop()
        expected += [("raised", "actor_missing")]
        expect(fleet, expected)
        fleet.children["mailer"].start()
        fleet.children["mailer"].wait_ready()
        expected += [("cleared", "actor_missing")]
        expect(fleet, expected)
        fleet.settle()
        assert told(fleet) == expected
        hooked = [j for j in fleet.jobs() if j["actor"] == "alert"]
        assert len(hooked) == 4 and {j["state"] for j in hooked} == {"done"}
