import { greeting } from "greeting";
import { fail } from "./deep/fail";
import settings from "./settings.json";
import text from "./text.txt";
import { later } from "./later";

export default {
  async fetch(request: Request): Promise<Response> {
    if (new URL(request.url).pathname === "/fail") fail(settings.answer);
    return new Response(`${greeting()} ${text} ${await later()}`);
  },
};
