/* target_table.h - what pages and the command line call the places that effects go to.
 *
 * X("adapter", "name") */
X("hubspot", "HubSpot")
X("mailchimp", "Mailchimp")
X("kit", "Kit")
X("http", "your own endpoint")
X("zendesk", "Zendesk")
X("slack", "Slack")
X("stripe", "Stripe")
X("paddle", "Paddle")
X("lemonsqueezy", "Lemon Squeezy")
X("smtp", "the mail server")
X("maildir", "the mail folder")
X("webhook", "your app")
X("local", "the embedded list")
