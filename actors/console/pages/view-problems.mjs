import { act, useRead } from "./api.mjs";
import { Act, Ago, Countdown, done, Empty, Facts, html, Link, Loaded, path, post } from "./ui.mjs";
import { Jobs } from "./view-jobs.mjs";
import { count } from "./words.mjs";

export function ProblemCard({ problem }) {
    return html`<li class="card problem ${problem.serious ? "bad" : "warn"}">
        <h2><${Link} href=${path("problems", problem.id)}>${problem.sentence}<//></h2>
        <p class="big">${problem.title}${problem.since && html`, since <${Ago} time=${problem.since} />`}</p>
        ${problem.error && html`<p class="answer">${problem.error}</p>`}
        <p>${problem.todo}</p>
        <p class="meta">${count(problem.members, "person", "people")} affected${problem.next_at && html` · next try <${Countdown} time=${problem.next_at} />`}</p>
        <${Link} class="button" href=${path("problems", problem.id)}>${problem.serious ? "Fix it" : "Look at it"}<//>
    </li>`;
}

export function Problems() {
    const from = useRead("problems");
    return html`<h1>Problems</h1><${Loaded} from=${from}>${({ problems }) =>
        problems.length
            ? html`<ul class="cards">${problems.map((problem) => html`<${ProblemCard} key=${problem.id} problem=${problem} />`)}</ul>`
            : html`<${Empty} title="Nothing fails"><p>Every job has gone out or is on its way.</p><//>`}<//>`;
}

// A new key, right where it is missed.
function Rotate({ problem, me, again }) {
    const run = (values) => act("POST", "secrets/rotate", { id: problem.secret, ...values });
    return html`<${Act} label="Put a new key in place" tone="main" may=${me.rights.includes("SETTINGS")} run=${run} done=${again}
        text="It is tried at once when you then try all jobs again."
        fields=${[{ name: "value", label: "The new key, as the provider shows it", kind: "password", required: true, minlength: 8 }]}
        button="Put it in place" say=${() => "The new key is in place."} />`;
}

export function Problem({ me, id }) {
    const from = useRead("problems/" + encodeURIComponent(id));
    const may = me.rights.includes("OPERATE");
    const over = from.problem && from.problem.status === 404;
    if (over) {
        return html`<${Empty} title="This is over"><p>No job waits for this cause any more.</p><${Link} class="button" href="/problems">All problems<//><//>`;
    }
    return html`<${Loaded} from=${from} title="Problem">${(problem) => {
        const target = ["targets", problem.actor, problem.slot].map(encodeURIComponent).join("/");
        const where = "problems/" + encodeURIComponent(id);
        const waits = problem.cause !== "dead" && problem.cause !== "uncertain";
        return html`
        <p class="crumb"><${Link} href="/problems">Problems<//></p>
        <h1>${problem.sentence}</h1>
        <p class="big">${problem.title}${problem.since && html`, since <${Ago} time=${problem.since} />`}</p>
        <section class="card ${problem.serious ? "bad" : "warn"}">
            <h2>What to do</h2>
            <p>${problem.todo}</p>
            <div class="buttons">
                ${problem.secret && html`<${Rotate} problem=${problem} me=${me} again=${from.again} />`}
                <${Act} label=${`Try all ${problem.count} again`} tone=${problem.secret ? "" : "main"} may=${may}
                    text=${`${problem.title}. Each is tried once more, with the same key: nothing happens twice.`}
                    run=${post(where + "/retry", { count: problem.count })} say=${done} done=${from.again} button="Try again" />
                ${waits && !problem.paused && html`<${Act} label="Pause" may=${may} text="Its jobs wait until you let it go on." run=${post(target + "/pause")} done=${from.again} button="Pause" />`}
                ${problem.paused && html`<${Act} label="Let it go on" may=${may} run=${post(target + "/resume")} done=${from.again} button="Go on" />`}
                <${Act} label="Skip all" tone="danger" danger may=${may} text=${`${problem.title}. They are not carried out any more.`}
                    run=${post(where + "/skip", { count: problem.count })} say=${done} done=${from.again} button="Skip them" />
            </div>
        </section>
        <${Facts} rows=${[
            problem.error && ["Its answer", html`<span class="answer">${problem.error}</span>`],
            ["Affected", count(problem.members, "person", "people")],
            problem.next_at && ["Next try", html`<${Countdown} time=${problem.next_at} />`],
            ["Who carries it out", problem.actor],
        ]} />
        <h2>Jobs</h2>
        <${Jobs} jobs=${problem.jobs} />
        ${problem.count > problem.jobs.length && html`<p class="quiet">and ${problem.count - problem.jobs.length} more of the same kind</p>`}`;
    }}<//>`;
}
