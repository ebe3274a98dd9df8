/* notice_table.h - what a founder is told once, as it happens: effects of the rules "to":"alert".
 *
 * X("kind", "title") */
X("payment_failed", "A payment failed")
X("dispute", "A customer disputes a payment")
