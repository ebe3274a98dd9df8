/* verbs_table.h - every verb of `usher`: help, parser, completion and manual say what stands here.
 *
 * X(name, usage, summary, options, examples, text)
 *   name      the function is verb_<name>() in verb_<name>.c
 *   usage     what follows the name
 *   options   a line each, "--name" or "--name VALUE", two blanks, a sentence. --home, --json, --yes
 *             and --help go without saying.
 *   examples  a line each: the command, two blanks, what it does
 *   text      paragraphs, lines up to 100 columns
 * Adding a verb is adding a row and a file. The order is that of the help. */

X(init, "[--ports WEBHOOK,CONSOLE]", "Makes a home with config, keys and secrets, ready for `usher up`.",
  "--ports WEBHOOK,CONSOLE  ports to listen on; 8080,8081 without it\n",
  "usher init  makes ~/.usher\n"
  "usher init --home /srv/club --ports 9080,9081  another place, other ports\n",
  "The home begins in test mode with the embedded providers (local CRM and support, mail to a\n"
  "folder), so that `usher up` works at once. Run again, it keeps every file that is there and adds\n"
  "what is missing.\n")
X(up, "[--foreground] [--wait SECONDS]", "Starts the fleet, or brings it up to a changed config.",
  "--foreground  stay, and end the fleet on Ctrl-C\n"
  "--wait SECONDS  how long to wait for all to be ready; 30 without it\n",
  "usher up  checks the config, starts all, says when they are ready\n"
  "usher up --foreground  for a container: runs until it is told to stop\n",
  "Every actor checks its settings first; with a mistake anywhere nothing is started or changed, and\n"
  "file and line are named. Run again after a change it restarts only the actors whose section\n"
  "changed. s6 runs the processes (folders in HOME/run/s6) and keeps their logs (HOME/data/log).\n")
X(down, "[--wait SECONDS]", "Stops the fleet and waits until it is down.",
  "--wait SECONDS  how long to wait; 15 without it\n",
  "usher down  stops everything\n",
  "Nothing is lost by it: what is under way is taken up again by the next `usher up`.\n")
X(status, "", "One screen: is everything fine, what is wrong, what to do next.",
  "",
  "usher status  for people\n"
  "usher status --json  for monitoring; exit 0 healthy, 1 not, 69 not running\n",
  "")
X(doctor, "[--dns ADDRESS:PORT] [--ca FILE]",
  "Looks at all that the fleet stands on from outside, and says what is wrong and what to do.",
  "--dns ADDRESS:PORT  the name server to ask; the system's without it\n"
  "--ca FILE  certificates to trust instead of the system's\n",
  "usher doctor  the endpoint, Stripe, CRM, desk, mail, DNS, files, processes\n"
  "usher doctor --json  for monitoring; exit 0 healthy, 1 not\n",
  "It changes nothing anywhere, shows no secret, and works while the fleet is down. Everything is\n"
  "asked at once, with a deadline; what does not answer is named, and what to do about it: a DNS\n"
  "record is printed as it has to be pasted.\n")
X(owner, "[NAME]", "A one-time link to the console: for the first owner, or for a person who lost the password.",
  "",
  "usher owner  the link for the first owner, while there is none\n"
  "usher owner ada  a new link for ada: her password, second step and sessions end\n",
  "Whoever can run this has the keys of the home and may read it anyway. A link counts once, for a week.\n")
X(dkim, "[DOMAIN]", "Makes the keys that sign mail, and says what the DNS needs.",
  "",
  "usher dkim  for the domain of mailer/from\n"
  "usher dkim example.com --json  for programs: name, type and text of each record\n",
  "Keys go into HOME/secrets (RSA of 2048 bits and Ed25519); those that are there are kept, so that it\n"
  "can be run again to see the records. Nothing is signed before usher.cfg names the domain and the\n"
  "keys (mailer/dkim), which is for the time when the DNS answers. For smtp and maildir; a provider's\n"
  "API signs by itself, with records of its own.\n")
X(trigger, "WORD [--email ADDRESS] [--copies N] [--shuffle] [--dry-run]",
  "Sends what the payment provider would send, signed, through the real door.",
  "--email ADDRESS  whom it happens to; ada@example.com without it\n"
  "--name NAME  what the person is called\n"
  "--customer ID  the provider's customer; derived from the address without it, none: a guest\n"
  "--app-user ID  the app's own user id\n"
  "--id EVENT  the id of the main event; the same again is a repetition\n"
  "--copies N  how often each event is sent\n"
  "--shuffle  in any order\n"
  "--at TIME  when it happens: 2026-11-23T10:00:00Z or unix seconds; now without it\n"
  "--amount N  in the smallest unit: 2900 is 29.00\n"
  "--currency WORD  usd without it\n"
  "--refunded N  refunded so far in all, for payment.partly_refunded; half without it\n"
  "--outcome WORD  won or lost, for dispute.closed\n"
  "--product ID  a product or price id\n"
  "--nth N  which subscription of this person, from 0\n"
  "--period N  which month of the subscription, from 0\n"
  "--old-shape  as before the API version of March 2025\n"
  "--url URL  another door than that of usher.cfg\n"
  "--retry TIME  try again until it is taken, as the provider does, for at most so long\n"
  "--dry-run  print the bodies, send nothing\n"
  "--really  also in a home in live mode\n",
  "usher trigger payment.succeeded --email ada@example.com  somebody subscribes and pays\n"
  "usher trigger payment.refunded --email ada@example.com  and gets the money back\n"
  "usher trigger payment.succeeded --copies 20 --shuffle  as untidy as it gets\n"
  "usher trigger dispute.opened --dry-run  what would be sent\n",
  "Without a word it lists what can happen. All ids are derived from the address (and --nth and\n"
  "--period), so that a refund finds its payment.\n")
X(tap, "[TOPIC...] [--since WHEN | --last N] [--count N] [--follow ID]",
  "Shows every event as it happens.",
  "--since WHEN  from an event number, a time, or so long ago (10m) on\n"
  "--last N  from the last N events on\n"
  "--count N  end after N events; exit 1 if --wait was over before\n"
  "--wait TIME  end after that time\n"
  "--until-now  end at the newest event there is\n"
  "--follow ID  only what this event led to\n"
  "--dump DIR  each event as a file there, too\n"
  "--show-personal  e-mail addresses and names as they are\n"
  "--raw  with the provider's raw body (for --json and --dump)\n",
  "usher tap  everything, live\n"
  "usher tap 'member.*' alert.raised  some topics\n"
  "usher tap --since 10m --until-now  the last ten minutes\n"
  "usher tap --json --follow evt_123  for programs: CloudEvents, one a line\n",
  "Topics are types of events (member.joined), families (member.*) or *. A bell wakes the tap, the\n"
  "journal delivers: nothing falls between. A terminal slower than the fleet skips, and says how\n"
  "much. E-mail addresses and names are masked unless --show-personal says otherwise.\n")
X(trace, "ID [--wait TIME]", "What an event led to: the tree of cause and effect, with the times.",
  "--wait TIME  wait until nothing is under way any more, at most so long\n"
  "--show-personal  e-mail addresses and names as they are\n"
  "--raw  with the provider's raw body\n",
  "usher trace evt_123  from the payment to the welcome mail\n"
  "usher trace evt_123 --wait 5s --json  for programs\n",
  "ID is the provider's own (evt_...), or that of any event of the trace.\n")
X(why, "MEMBER", "One sentence: why somebody has access, or has not.",
  "",
  "usher why ada@example.com  by address\n"
  "usher why cus_123  by any of the provider's ids\n",
  "The sentence names the rule and the provider's object. Exit 1 if nobody is known by that name.\n")
X(member, "[show|grant|revoke|note|resync] MEMBER [--reason TEXT]",
  "Shows a member, or changes what a person may change.",
  "--reason TEXT  why; every change needs it and keeps it\n"
  "--days N  for grant: how long; without it (or --until) there is no end\n"
  "--until TIME  for grant: 2026-12-31T00:00:00Z\n"
  "--lift  for revoke: takes the revocation back\n"
  "--as NAME  as this person (keys/people/NAME.key) instead of as tools\n",
  "usher member ada@example.com  who, why, CRM, support, mail, and all that happened\n"
  "usher member grant ada@example.com --days 30 --reason \"speaker in March\"  access without paying\n"
  "usher member revoke ada@example.com --reason \"code of conduct\"  no access, whatever is paid\n"
  "usher member note ada@example.com --reason \"called, is happy\"  a note in the timeline\n"
  "usher member resync ada@example.com --reason \"edited by hand\"  sends the CRM the newest again\n",
  "MEMBER is an e-mail address, a member's id, the app's user id, or any id of the provider's. Every\n"
  "change is an event in the journal, with who and why.\n")
X(members, "[--state WORD] [--limit N]", "Lists the members.",
  "--state WORD  only these: active, trialing, ending, paused, revoked, ended, none\n"
  "--limit N  at most so many; 50 without it, all with --json\n",
  "usher members  the first fifty\n"
  "usher members --state paused  whose payment failed\n"
  "usher members --json  all of them, as a list\n",
  "")
X(jobs, "[list|show|retry|skip] [JOB] [--state WORD] [--actor NAME]",
  "What is done for members at other tools: lists, shows, tries again, skips.",
  "--state WORD  only these: waiting, settling, sending, done, dead, uncertain, superseded, skipped\n"
  "--actor NAME  crm, support, mailer, app or alert\n"
  "--member ID  only this member's\n"
  "--limit N  at most so many; 50 without it, all with --json\n"
  "--like JOB  for retry and skip: all that fail for the same cause; shows the count first\n"
  "--reason TEXT  why; retry and skip need it and keep it\n",
  "usher jobs --state dead  what waits for a person\n"
  "usher jobs show crm:mem_123  one job\n"
  "usher jobs retry welcome:mem_123 --reason \"mailbox was full\"  once more\n"
  "usher jobs retry --like crm:mem_123 --reason \"new API key\" --yes  and all others of that cause\n",
  "A job is named by its key. Retry and skip are events in the journal, with who and why.\n")
X(alert, "[list|test]", "What is wrong now, and whether those who are told of it can be reached.",
  "--wait TIME  for test: how long to wait for the hooks; 15s without it\n"
  "--reason TEXT  for test: why; kept in the journal\n",
  "usher alert  what stands\n"
  "usher alert test  a word to every hook of usher.cfg, and what each said\n",
  "A test goes the way of a real alert: the same job, the same retries, the same hook. Exit 1 if a hook\n"
  "could not be reached.\n")
X(backfill, "[--days N] [--member MEMBER] [--apply]",
  "Asks the payment provider what never arrived here: shows it, and publishes it.",
  "--days N  how far back events are compared; 30 without it, which is all that the provider keeps\n"
  "--member MEMBER  only what is so now of this member: however long ago it came to be so\n"
  "--apply  publish what is missing, as if it had been delivered\n"
  "--wait SECONDS  how long to wait for the end; 1800 without it\n",
  "usher backfill  what is missing; changes nothing\n"
  "usher backfill --apply  and publishes it\n"
  "usher backfill --member ada@example.com  subscriptions, invoices and charges of one member\n",
  "Exit 0: nothing is missing, or it was applied. Exit 1: something is missing and was not applied, or\n"
  "could not be looked at. The fleet looks by itself, too: every hour and every day (section backfill\n"
  "of usher.cfg). Needs a key that may read the provider's API: webhook/payment/key.\n")
X(rules, "", "The rules in plain English, as they hold in this home.",
  "",
  "usher rules  what happens when\n"
  "usher rules --json  the same as data\n",
  "The defaults, changed by HOME/rules.cfg; a mistake there is refused with file and line.\n")
X(verify, "", "Reads everything on disk: the journal's chain and every store.",
  "",
  "usher verify  also while the fleet runs\n"
  "usher verify --json  for monitoring; exit 1 if anything is damaged\n",
  "Only reads. The journal's chain shows whether a record was changed or is missing.\n")
X(rebuild, "ACTOR [--wait SECONDS]", "Drops what an actor made of the journal and lets it make it again.",
  "--wait SECONDS  how long to wait for it; 600 without it\n",
  "usher rebuild ledger  and says whether the new store is identical\n",
  "The actor is stopped for it, the old store is kept beside the new one, and nothing is sent twice.\n"
  "ACTOR is ledger, crm, support, mailer, app, alert or console.\n")
X(drill, "[--only CASES] [--report DIR] [--keep]",
  "The monthly drill: what this configuration does when payments and tools go wrong.",
  "--only CASES  some of the cases, separated by commas: new_member, refund, crm_down ...\n"
  "--keep  leave the scratch home, with the journal and all logs\n"
  "--report DIR  where the report goes; HOME/drills without it\n",
  "usher drill  under a minute; also while the fleet runs\n"
  "usher drill --json  for monitoring; exit 1 if anything failed or could not be drilled\n",
  "A new member, a failed card, a refund, a chargeback, a cancellation, a return, everything sent\n"
  "twenty times, an expired key, a CRM and a helpdesk that are down, a mail that bounces: tried out in\n"
  "a scratch home with this home's config, rules and templates. Each target is played by a stand-in on\n"
  "this machine; no call leaves it, no secret is used, and the running fleet is not touched.\n")
X(bench, "[publish|webhook|effect|all] [--seconds N] [--rounds N]",
  "Measures this machine: durable publishes, posts to the door, posts to the CRM's call.",
  "--seconds N  how long each measurement takes, after half a second of warm-up; 2 without it\n"
  "--rounds N  how often everything is measured; 3 without it\n"
  "--dir DIR  where the fleet for it lives, which says which disk is measured; here without it\n"
  "--here  against the running fleet of this home: its journal keeps the events\n",
  "usher bench  everything, with a fleet of its own\n"
  "usher bench publish --rounds 5  only durable publishes\n",
  "publish: 1 KB events with 1, 16, 64 and 256 in flight. webhook: distinct signed 3 KB bodies over\n"
  "so many connections, and 1,000 a second. effect: 100 a second, until the CRM is called. Every\n"
  "answer comes after the sync; medians of the rounds, lowest and highest beside them.\n")
