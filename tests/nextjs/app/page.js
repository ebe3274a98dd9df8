/* app/page.js - a public page. get() never throws for want of an answer, so a page that shows
 * something to everybody can say how things are. */
import { readSession } from "../lib/session.js";
import { usher } from "../lib/usher.js";

export default async function Home() {
    const email = await readSession();
    return (
        <main>
            <h1>The Club</h1>
            {email
                ? <Access email={email} answer={await usher.get(email)} />
                : <p>You are not signed in.</p>}
            <form action="/login">
                <label htmlFor="as">Sign in as</label>
                <input id="as" name="as" defaultValue="ada" required />
                <button>Sign in</button>
            </form>
            <p className="note">A stand-in for a login: it believes everybody.</p>
        </main>
    );
}

function Access({ email, answer }) {
    return (
        <p data-access={answer.access ? "on" : "off"} data-decided={answer.decided}>
            {email}: access is <strong>{answer.access ? "on" : "off"}</strong>
            {answer.stale && " (as last heard)"}
            {answer.reason && `, because: ${answer.reason}`}.
        </p>
    );
}
