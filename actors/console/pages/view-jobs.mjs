import { useEffect, useState } from "./hooks.mjs";
import { read, useRead } from "./api.mjs";
import { Act, Ago, Countdown, done, Empty, Facts, go, html, Link, Loaded, path, post, State } from "./ui.mjs";
import { count, STATES } from "./words.mjs";

export const jobPath = (job) => path("jobs", job.actor, job.key);

export function Jobs({ jobs }) {
    return html`<ul class="rows">${jobs.map((job) => html`<li key=${job.actor + job.key}>
        <${Link} href=${jobPath(job)} class="row">
            <span class="grow"><strong>${job.name || job.kind}</strong><span>${job.sentence}</span>${job.error && html`<span class="answer">${job.error}</span>`}</span>
            <${State} word=${job.state} />
        <//></li>`)}</ul>`;
}

const FILTERS = ["", "waiting", "dead", "uncertain", "done", "skipped"];
const ACTORS = ["", "crm", "support", "mailer", "app", "alert"];

function Choice({ label, value, words, name, query }) {
    const pick = (event) => {
        const next = new URLSearchParams(query);
        event.target.value ? next.set(name, event.target.value) : next.delete(name);
        go("/jobs" + (next.size ? "?" + next : ""));
    };
    return html`<label>${label}<select value=${value} onChange=${pick}>${words.map((word) => html`<option value=${word}>${word ? (STATES[word] || [word])[0] : "All"}</option>`)}</select></label>`;
}

// Pages that grow: the first is read, the others are added.
export function usePages(where, key) {
    const from = useRead(where);
    const [more, setMore] = useState([]);
    const [next, setNext] = useState(undefined);
    useEffect(() => (setMore([]), setNext(undefined)), [where, from.data]);
    const place = next === undefined ? from.data && from.data.next : next;
    const load = async () => {
        const page = await read(where + (where.includes("?") ? "&" : "?") + "after=" + encodeURIComponent(place));
        setMore((was) => [...was, ...page[key]]);
        setNext(page.next);
    };
    const rows = from.data ? [...from.data[key], ...more] : [];
    return { from, rows, more: place ? load : null };
}

export function More({ load }) {
    return load ? html`<button type="button" class="more" onClick=${load}>More</button>` : null;
}

export function JobList({ query }) {
    const wanted = new URLSearchParams(query);
    const { from, rows, more } = usePages("jobs" + (query ? "?" + query : ""), "jobs");
    return html`<h1>Jobs</h1>
        <p class="quiet">What is done for members at other tools, one job for each effect.</p>
        <div class="filters">
            <${Choice} label="State" name="state" words=${FILTERS} value=${wanted.get("state") || ""} query=${query} />
            <${Choice} label="Who" name="actor" words=${ACTORS} value=${wanted.get("actor") || ""} query=${query} />
        </div>
        <${Loaded} from=${from}>${() => rows.length
            ? html`<${Jobs} jobs=${rows} /><${More} load=${more} />`
            : more
              ? html`<p class="quiet">None among the first.</p><${More} load=${more} />`
              : html`<${Empty} title="No such jobs"><p>Nothing of this kind has been done, or waits.</p><//>`}<//>`;
}

export function Job({ me, actor, id }) {
    const where = ["jobs", actor, id].map(encodeURIComponent).join("/");
    const from = useRead(where);
    const may = me.rights.includes("OPERATE");
    return html`<${Loaded} from=${from} title="Job">${({ job, attempts, like, todo }) => {
        const over = ["done", "superseded"].includes(job.state);
        return html`
        <p class="crumb"><${Link} href="/jobs">Jobs<//></p>
        <h1>${job.sentence}</h1>
        <p><${State} word=${job.state} />${job.state === "waiting" && job.next_at && html` · next try <${Countdown} time=${job.next_at} />`}</p>
        ${!over && todo && html`<section class="card"><h2>What to do</h2><p>${todo}</p>
            <div class="buttons">
                <${Act} label="Try again" tone="main" may=${may} run=${post(where + "/retry")} say=${done} done=${from.again} button="Try again" text="It is tried once more, with the same key." />
                ${like.count > 1 && html`<${Act} label=${`Try all ${like.count} like this`} may=${may} run=${post(where + "/retry-like", { count: like.count })}
                    text=${`${count(like.count, "job")} of the same cause.`} say=${done} done=${from.again} button="Try them again" />`}
                ${job.state !== "skipped" && html`<${Act} label="Skip" tone="danger" danger may=${may} run=${post(where + "/skip")} say=${done} done=${from.again} button="Skip it" text="It is not carried out any more." />`}
            </div></section>`}
        <${Facts} rows=${[
            job.member && ["For", html`<${Link} href=${path("members", job.member)}>${job.name || job.member}<//>`],
            job.error && ["Its answer", html`<span class="answer">${job.error}</span>`],
            ["Attempts", job.attempt || 0],
            job.latency_ms > 0 && ["The last call took", `${job.latency_ms} ms`],
            ["Made", html`<${Ago} time=${job.created_at} />`],
            ["Cause", html`<${Link} href=${path("events", job.trace)}>the event that began it<//>`],
            ["Key", html`<code>${job.key}</code>`],
        ]} />
        <h2>Each attempt</h2>
        ${attempts.length
            ? html`<ol class="lines">${attempts.map((attempt) => html`<li class="line"><${State} word=${attempt.state} /><div><p>${attempt.text}</p><p class="meta"><${Ago} time=${attempt.time} />${attempt.latency_ms > 0 && ` · ${attempt.latency_ms} ms`}${attempt.who && ` · by ${attempt.who}`}</p></div></li>`)}</ol>`
            : html`<p class="quiet">None yet.</p>`}`;
    }}<//>`;
}
