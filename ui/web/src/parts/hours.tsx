interface HoursProps {
  value: number
  onChange: (hours: number) => void
}

const HOURS = [
  [1, '1 hour'],
  [4, '4 hours'],
  [8, '8 hours'],
  [24, 'a day'],
  [168, 'a week'],
] as const

/** For how long something holds. */
export function Hours({ value, onChange }: HoursProps) {
  return (
    <label>
      For
      <select name="hours" value={value} onChange={(e) => onChange(Number(e.currentTarget.value))}>
        {HOURS.map(([n, words]) => (
          <option key={n} value={n}>
            {words}
          </option>
        ))}
      </select>
    </label>
  )
}

/** When so many hours from now are over. */
export function hoursOn(hours: number): number {
  return Date.now() + hours * 3_600_000
}
