/* verbs_table.h - every verb of `usher`: help, parser, completion and manual say what stands here.
 *
 * X(name, usage, summary, options, examples, text)
 *   name      the function is verb_<name>() in verb_<name>.c
 *   usage     what follows the name
 *   options   a line each, "--name" or "--name VALUE", two blanks, a sentence. --home, --json, --yes
 *             and --help go without saying.
 *   examples  a line each: the command, two blanks, what it does
 *   text      paragraphs, lines up to 100 columns
 * Adding a verb is adding a row and a file. The order is that of the help. */

X(init, "[--ports WEBHOOK,CONSOLE]", "Makes a home with config, keys and secrets, ready for `usher up`.",
  "--ports WEBHOOK,CONSOLE  ports to listen on; 8080,8081 without it\n",
  "usher init  makes ~/.usher\n"
  "usher init --home /srv/club --ports 9080,9081  another place, other ports\n",
  "The home begins in test mode with the embedded providers (local CRM and support, mail to a\n"
  "folder), so that `usher up` works at once. Run again, it keeps every file that is there and adds\n"
  "what is missing.\n")
X(up, "[--foreground] [--wait SECONDS]", "Starts the fleet, or brings it up to a changed config.",
  "--foreground  stay, and end the fleet on Ctrl-C\n"
  "--wait SECONDS  how long to wait for all to be ready; 30 without it\n",
  "usher up  checks the config, starts all, says when they are ready\n"
  "usher up --foreground  for a container: runs until it is told to stop\n",
  "Every actor checks its settings first; with a mistake anywhere nothing is started or changed, and\n"
  "file and line are named. Run again after a change it restarts only the actors whose section\n"
  "changed. s6 runs the processes (folders in HOME/run/s6) and keeps their logs (HOME/data/log).\n")
X(down, "[--wait SECONDS]", "Stops the fleet and waits until it is down.",
  "--wait SECONDS  how long to wait; 15 without it\n",
  "usher down  stops everything\n",
  "Nothing is lost by it: what is under way is taken up again by the next `usher up`.\n")
X(status, "", "One screen: is everything fine, what is wrong, what to do next.",
  "",
  "usher status  for people\n"
  "usher status --json  for monitoring; exit 0 healthy, 1 not, 69 not running\n",
  "")
