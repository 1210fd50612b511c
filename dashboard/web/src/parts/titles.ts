import { type Page } from "../state/view";

export const titles: Record<Page, string> = {
  overview: "Overview", breakdown: "Breakdown", retention: "Retention", realtime: "Real time", pipeline: "Pipeline",
};
