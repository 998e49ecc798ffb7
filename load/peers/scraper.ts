// A scraper: a child process of the harness that asks for metrics, reads them to the end and does nothing with them.
import { answerQuestions } from "./child.ts";
import { timeScrape } from "./scraping.ts";

export interface ScraperQuestion {
  readonly adminPort: number;
}

/** ms. */
export type ScraperReport = number;

answerQuestions(({ adminPort }: ScraperQuestion) => timeScrape(adminPort));
