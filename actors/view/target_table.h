/* target_table.h - what people call the places that effects go to: the one place.
 *
 * X("adapter", "name") */
X("hubspot", "HubSpot")
X("zendesk", "Zendesk")
X("slack", "Slack")
X("stripe", "Stripe")
X("smtp", "the mail server")
X("maildir", "the mail folder")
X("webhook", "your app")
X("local", "the embedded list")
