// Ends with status 3 where there is no Chromium.
import { place } from "./browser.mjs";

place();
