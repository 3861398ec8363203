// Files of bars: exports for everyone, the import of administrators.
import "../lib/shell.js";
import { boot } from "../lib/dom.js";
import { socket } from "../lib/live.js";
import { mountExport } from "../market/exportform.js";
import { mountImport } from "../market/importwizard.js";
import { JobFeed } from "../market/jobfeed.js";
import { mountStale } from "../market/stale.js";

const feed = new JobFeed(socket);
mountExport(feed);
if (boot.user.is_admin) mountImport(feed);
mountStale();
feed.reload();
