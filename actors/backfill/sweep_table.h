/* sweep_table.h - what is listed at Stripe's API: the one place.
 *
 * X(NAME, word, path, query, customer, right)
 *   query     always said
 *   customer  the parameter that narrows it to one customer; "": cannot be narrowed; "/": by path
 *   right     what a restricted key is asked for, in the words of Stripe's page of keys */
X(SWEEP_EVENTS, "events", "/v1/events", "", "", "Events")
X(SWEEP_CUSTOMERS, "customers", "/v1/customers", "", "/", "Customers")
X(SWEEP_SUBSCRIPTIONS, "subscriptions", "/v1/subscriptions", "status=all", "customer", "Subscriptions")
X(SWEEP_INVOICES, "invoices", "/v1/invoices", "", "customer", "Invoices")
X(SWEEP_SESSIONS, "checkouts", "/v1/checkout/sessions", "status=complete", "customer", "Checkout Sessions")
X(SWEEP_CHARGES, "charges", "/v1/charges", "", "customer", "Charges and Refunds")
X(SWEEP_REFUNDS, "refunds", "/v1/refunds", "", "", "Charges and Refunds")
X(SWEEP_DISPUTES, "disputes", "/v1/disputes", "", "", "Disputes")
