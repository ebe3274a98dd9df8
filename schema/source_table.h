/* source_table.h - what sources are called that nobody gave another name: the one place.
 *
 * X("name")
 * People paste a provider's bare id ("evt_1"); it is looked for under each of these. An event of a
 * source with a name of its own is found by its whole id. */
X("stripe")
X("paddle")
X("lemonsqueezy")
X("standard")
X("polar")
X("clerk")
X("zendesk")
X("helpscout")
X("intercom")
X("resend")
X("postmark")
X("ses")
X("local")
