/* rules_table.h - what happens when: the one place. Code, `usher rules` and RULES.md follow.
 *
 * X(ID, name, when, tag, mail, key, settle, support, alert, sentence)
 *   ID       enum RULE_<ID>; in rules.cfg the section of the same name in lower case
 *   name     what documents and `why` call the rule
 *   tag      the CRM tag, "" for none
 *   mail     kind of mail, "" for none; its key is below `key`
 *   key      key of the effect, once for good; "" for none
 *   settle   how long the condition has to hold before a mail goes out
 *   support  "": no note; "note"; "urgent"
 *   alert    1: the founder is told */
X(FIRST_ACCESS, "first access, paid", "A person pays and has access for the first time",
  "member", "welcome", "welcome:<member>", "0s", "", 0,
  "Access is on, the tag is set, and a welcome mail goes out at once.")
X(TRIAL, "trial began", "A trial begins",
  "trial", "welcome", "welcome:<member>", "0s", "", 0,
  "Access is on, the tag is set, and the same welcome mail goes out, once for trial and payment.")
X(BACK, "access again after a loss", "A payment gives access again after it was lost",
  "member", "back", "back:<payment>", "60s", "", 0,
  "Access is on again; a welcome back mail goes out for that payment. A renewal is no return.")
X(PAYMENT_FAILED, "payment failed", "The newest payment could not be collected",
  "payment-failed", "card", "card:<invoice>", "10m", "", 1,
  "Access is paused once the grace is over; the person is asked to update the card unless the "
  "payment arrives meanwhile, and the founder is told.")
X(REFUNDED, "refunded in full", "The payment that gives access was refunded in full",
  "refunded", "", "refund:<charge>", "0s", "note", 0,
  "Access is revoked and the support desk gets a note. An older payment's refund is a note only.")
X(PARTLY_REFUNDED, "partly refunded", "Part of a charge was refunded",
  "", "", "refund:<charge>:<amount>", "0s", "note", 0,
  "Access stays as it is; the support desk gets a note.")
X(DISPUTE_OPENED, "dispute opened", "A charge is disputed",
  "disputed", "", "dispute:<dispute>", "0s", "urgent", 1,
  "Access is revoked while the dispute is open; the support desk gets an urgent note and the "
  "founder is told. An inquiry is not a dispute.")
X(DISPUTE_CLOSED, "dispute closed", "A dispute was won or lost",
  "", "", "dispute:<dispute>:closed", "0s", "note", 0,
  "Won: access is as the other facts say. Lost: access stays revoked. The support desk gets a note.")
X(ENDING, "will end at period end", "A subscription will not be renewed",
  "ending", "", "", "0s", "", 0,
  "Access stays on until the paid period is over.")
X(OVER, "subscription over", "A subscription is over and nothing else gives access",
  "cancelled", "goodbye", "goodbye:<subscription>", "60s", "", 0,
  "Access ends; a goodbye mail goes out for the subscription that ended last.")
X(TICKET, "ticket opened", "A person opens a support ticket",
  "needs-support", "", "ticket:<desk>:<ticket>", "0s", "note", 0,
  "The tag stays while the ticket is open; the support desk gets the member's context.")
X(BY_PERSON, "granted or revoked by a person", "A person grants or revokes access",
  "", "", "", "0s", "", 0,
  "Access is as the person said: a revoke wins over everything, then a grant that is still valid.")
X(SAME_PERSON, "the same person", "Two records turn out to be one person's",
  "", "", "", "0s", "", 0,
  "The members become one under the smallest id; the other ids go on to lead to it.")
X(DETAILS, "details changed", "A name, an address, a period or an amount changed",
  "", "", "", "0s", "", 0,
  "The new details are told to every tool; nothing else happens.")
