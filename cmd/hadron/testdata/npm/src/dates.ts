import { addMonths, differenceInCalendarDays, eachDayOfInterval, format, formatDistance, isWeekend, parseISO, startOfWeek } from "date-fns";
import { de } from "date-fns/locale/de";

export function dates() {
  const day = parseISO("2026-11-22T10:30:00Z");
  return {
    format: format(day, "yyyy-MM-dd EEEE"),
    german: format(day, "EEEE, d. MMMM yyyy", { locale: de }),
    month: addMonths(parseISO("2026-01-31T00:00:00Z"), 1).toISOString(),
    days: differenceInCalendarDays(parseISO("2026-12-25"), day),
    distance: formatDistance(day, parseISO("2026-11-25T10:30:00Z"), { addSuffix: true }),
    weekend: eachDayOfInterval({ start: parseISO("2026-11-20"), end: parseISO("2026-11-24") }).filter((d) => isWeekend(d)).length,
    week: startOfWeek(day, { weekStartsOn: 1 }).toISOString(),
  };
}
