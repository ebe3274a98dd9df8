/* app/members/page.js - the page behind the wall. It asks for the data and is refused, or not:
 * there is no second check to forget. */
import { redirect } from "next/navigation";
import { AccessDenied } from "usher-access";
import { readLessons } from "../../lib/lessons.js";
import { readSession } from "../../lib/session.js";

export default async function Members() {
    const email = await readSession();
    if (!email) {
        redirect("/");
    }
    try {
        return <Open {...await readLessons(email)} />;
    } catch (error) {
        if (error instanceof AccessDenied) {
            return <Closed reason={error.reason} answer={error.answer} />;
        }
        throw error;
    }
}

function Open({ answer, lessons }) {
    return (
        <main data-access="on" data-decided={answer.decided} data-version={answer.version}>
            <h1>Welcome, member</h1>
            <ul>{lessons.map(({ id, title }) => <li key={id}>{title}</li>)}</ul>
        </main>
    );
}

function Closed({ reason, answer }) {
    return (
        <main data-access="off" data-decided={reason} data-version={answer.version}>
            <h1>This page is for members</h1>
            <p>
                {answer.reason
                    ? `Access is off: ${answer.reason}.`
                    : "We know of no membership of yours."}
            </p>
            <p>Have you just paid? Reload the page in a second.</p>
        </main>
    );
}
