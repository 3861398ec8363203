// The page's one live connection; whoever needs a channel subscribes on it.
import { LiveSocket } from "./socket.js";

export const socket = new LiveSocket();
