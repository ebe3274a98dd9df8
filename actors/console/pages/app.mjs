// app.mjs - the shell: where one is, what is fine, and how to get elsewhere.
import { h, render } from "./preact.mjs";
import { useEffect, useState } from "./hooks.mjs";
import { hasKeys, live, loadMe, read, useLive } from "./api.mjs";
import { Failed, go, html, Link, path, useModal } from "./ui.mjs";
import { Home } from "./view-home.mjs";
import { Problem, Problems } from "./view-problems.mjs";
import { Job, JobList } from "./view-jobs.mjs";
import { Member, Members } from "./view-members.mjs";
import { Event, Events } from "./view-events.mjs";
import { Fleet } from "./view-fleet.mjs";
import { Rules } from "./view-rules.mjs";
import { Alerts } from "./view-alerts.mjs";
import { Audit } from "./view-audit.mjs";
import { Settings } from "./view-settings.mjs";
import { Start } from "./view-start.mjs";

// [path, title, list, one, key]: one is what stands below it.
const VIEWS = [
    ["/", "Home", Home, null, "h"],
    ["/problems", "Problems", Problems, Problem, "p"],
    ["/members", "Members", Members, Member, "m"],
    ["/alerts", "Alerts", Alerts, null, "a"],
    ["/jobs", "Jobs", JobList, Job, "j"],
    ["/events", "Events", Events, Event, "e"],
    ["/fleet", "Fleet", Fleet, null, "f"],
    ["/rules", "Rules", Rules, null, "r"],
    ["/audit", "Audit", Audit, null, "u"],
    ["/settings", "Settings", Settings, null, "s"],
    ["/start", "First steps", Start, null, ""],
];
const ON_PHONE = 4; // in the bar below; the rest behind "More"

function place() {
    const parts = location.pathname.split("/").slice(1).map(decodeURIComponent);
    const view = VIEWS.find(([where]) => where === "/" + parts[0]) || VIEWS[0];
    return { view, parts, query: location.search.slice(1) };
}

function Body({ me, at, reload }) {
    const [, , List, One] = at.view;
    const [, first, second] = at.parts;
    if (One && first) {
        return second ? html`<${One} me=${me} actor=${first} id=${second} key=${location.pathname} />` : html`<${One} me=${me} id=${first} key=${location.pathname} />`;
    }
    return html`<${List} me=${me} query=${at.query} reload=${reload} key=${at.view[0]} />`;
}

// --- look ----------------------------------------------------------------------------------------

function useTheme() {
    const [theme, set] = useState(localStorage.getItem("theme") || "");
    useEffect(() => {
        document.documentElement.dataset.theme = theme;
        localStorage.setItem("theme", theme);
    }, [theme]);
    const dark = theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    return [dark, () => set(dark ? "light" : "dark")];
}

// --- the palette ---------------------------------------------------------------------------------

const TYPING_MS = 150;

function Palette({ close }) {
    const ref = useModal();
    const [text, setText] = useState("");
    const [members, setMembers] = useState([]);
    const [at, setAt] = useState(0);
    useEffect(() => {
        if (text.length < 2) {
            setMembers([]);
            return undefined;
        }
        const timer = setTimeout(() => read("members?limit=6&q=" + encodeURIComponent(text)).then((found) => setMembers(found.members), () => setMembers([])), TYPING_MS);
        return () => clearTimeout(timer);
    }, [text]);
    const views = VIEWS.filter(([, title]) => title.toLowerCase().includes(text.toLowerCase())).map(([where, title]) => [where, title, "view"]);
    const found = [...views, ...members.map((member) => [path("members", member.id), member.name || member.email || member.id, member.email])];
    const pick = (where) => (close(), go(where));
    const key = (event) => {
        const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
        if (step) {
            event.preventDefault();
            setAt((was) => (was + step + found.length) % Math.max(1, found.length));
        } else if (event.key === "Enter" && found[at]) {
            event.preventDefault();
            pick(found[at][0]);
        }
    };
    return html`<dialog ref=${ref} class="palette" onClose=${close} aria-label="Go to">
        <input type="search" aria-label="A view, or a member" placeholder="A view, or a member" value=${text} onInput=${(event) => (setText(event.target.value), setAt(0))} onKeyDown=${key} autofocus />
        <ul>${found.map(([where, title, hint], n) => html`<li key=${where}><button type="button" class=${n === at ? "here" : ""} onClick=${() => pick(where)}><span class="grow">${title}</span><span class="meta">${hint}</span></button></li>`)}</ul>
    </dialog>`;
}

function Help({ close }) {
    const ref = useModal();
    const rows = [["Ctrl K", "go anywhere"], ["j, k", "next and last row"], ["g, then a letter", VIEWS.filter((view) => view[4]).map(([, title, , , key]) => `${key} ${title}`).join(", ")], ["?", "this"], ["Esc", "close"]];
    return html`<dialog ref=${ref} onClose=${close} aria-labelledby="help-title"><h2 id="help-title">Keys</h2>
        <dl class="facts">${rows.map(([key, text]) => html`<div><dt><kbd>${key}</kbd></dt><dd>${text}</dd></div>`)}</dl>
        <div class="buttons"><button type="button" onClick=${() => ref.current.close()}>Close</button></div></dialog>`;
}

function step(by) {
    const rows = [...document.querySelectorAll("main .row[href], main .rows a, main .lines a, main .card h2 a")];
    const at = rows.indexOf(document.activeElement);
    const next = rows[Math.min(Math.max(at + by, 0), rows.length - 1)];
    next && next.focus();
}

// For whoever does not use a mouse. Nothing of it works while one types.
function useKeys(open) {
    useEffect(() => {
        let goes = false;
        const key = (event) => {
            const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) || document.querySelector("dialog[open]");
            if ((event.ctrlKey || event.metaKey) && event.key === "k") {
                event.preventDefault();
                open("palette");
            } else if (!hasKeys() || typing || event.ctrlKey || event.metaKey || event.altKey) {
                return;
            } else if (goes) {
                goes = false;
                const view = VIEWS.find((each) => each[4] === event.key);
                view && go(view[0]);
            } else if (event.key === "g") {
                goes = true;
            } else if (event.key === "j" || event.key === "k") {
                step(event.key === "j" ? 1 : -1);
            } else if (event.key === "?") {
                open("help");
            }
        };
        addEventListener("keydown", key);
        return () => removeEventListener("keydown", key);
    }, []);
}

// --- the shell -----------------------------------------------------------------------------------

function Dot({ state }) {
    const down = !state.connected || state.fleet === "down";
    const words = down ? "does not answer" : state.color === "red" ? "needs you" : state.color === "yellow" ? "look at it" : "fine";
    return html`<${Link} href="/" class="dot ${down ? "red" : state.color}"><i aria-hidden="true"></i><span>${words}</span><//>`;
}

function App({ me, reload }) {
    const [at, setAt] = useState(place());
    const [open, setOpen] = useState("");
    const [dark, toggle] = useTheme();
    const state = useLive();
    useKeys(setOpen);
    useEffect(() => {
        const move = () => (setAt(place()), setOpen(""));
        addEventListener("popstate", move);
        return () => removeEventListener("popstate", move);
    }, []);
    useEffect(() => {
        document.title = `${at.view[1]} · usher`;
    }, [at]);
    const entry = ([where, title]) => html`<li key=${where}><${Link} href=${where} aria-current=${where === at.view[0] ? "page" : undefined}>${title}${where === "/problems" && state.problems > 0 && html` <span class="badge">${state.problems}</span>`}<//></li>`;
    return html`<a class="skip" href="#main">To the content</a>
        <header class="top">
            <${Link} href="/" class="brand">usher<//>${me.mode === "test" && html`<span class="mode">test mode</span>`}
            <span class="grow"></span><${Dot} state=${state} />
            <button type="button" class="icon" aria-label="Go to" title="Ctrl K" onClick=${() => setOpen("palette")}>⌕</button>
            <button type="button" class="icon" aria-label=${dark ? "Light colours" : "Dark colours"} onClick=${toggle}>${dark ? "☀" : "☾"}</button>
        </header>
        <nav aria-label="Views"><ul>${VIEWS.map(entry)}</ul>
            <form method="post" action="/logout"><button class="plain">Sign out ${me.name}</button></form></nav>
        <main id="main" tabindex="-1">
            ${(!state.connected || state.fleet === "down") && html`<p class="note bad" role="status">${state.connected ? "The fleet does not answer." : "The console does not answer."} You see what was known last; it comes back by itself.</p>`}
            <${Body} me=${me} at=${at} reload=${reload} /></main>
        <nav class="bar" aria-label="Main views"><ul>${VIEWS.slice(0, ON_PHONE).map(entry)}<li><button type="button" aria-expanded=${open === "more"} onClick=${() => setOpen(open === "more" ? "" : "more")}>More</button></li></ul></nav>
        ${open === "more" && html`<nav class="sheet" aria-label="More views"><ul>${VIEWS.slice(ON_PHONE).map(entry)}</ul><form method="post" action="/logout"><button class="plain">Sign out ${me.name}</button></form></nav>`}
        ${open === "palette" && html`<${Palette} close=${() => setOpen("")} />`}
        ${open === "help" && html`<${Help} close=${() => setOpen("")} />`}`;
}

function Root() {
    const [me, setMe] = useState(null);
    const [problem, setProblem] = useState(null);
    const reload = () => loadMe().then((loaded) => (setMe(loaded), setProblem(null)), setProblem);
    useEffect(() => {
        reload();
    }, []);
    useEffect(() => {
        me && live.start();
    }, [me !== null]);
    if (me) {
        return html`<${App} me=${me} reload=${reload} />`;
    }
    return problem ? html`<main><${Failed} problem=${problem} again=${reload} /></main>` : html`<main aria-busy="true"><p class="quiet">One moment</p></main>`;
}

render(h(Root), document.getElementById("app"));
