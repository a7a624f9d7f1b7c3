import { Button } from '@mantine/core'
import { useState } from 'react'
import type { SLO } from '../wire.gen'
import { Backtest } from './backtest'
import styles from './function-page.module.css'

interface ObjectivesProps {
  name: string
  slo: SLO
  onSaved: () => void
}

/** What the function promises, and a way to try other promises on its history. */
export function Objectives({ name, slo, onSaved }: ObjectivesProps) {
  const [trying, setTrying] = useState(false)
  return (
    <tr>
      <td>objectives</td>
      <td>
        {slo.objectives.map((s) => `${formatObjective(s.ratio)} ${s.name}`).join(', ') || 'none'}
        <span className={styles.quiet}> over {slo.window}</span>{' '}
        <Button size="compact-xs" variant="default" onClick={() => setTrying(true)}>
          Try others…
        </Button>
        {trying && <Backtest name={name} slo={slo} onClose={() => setTrying(false)} onSaved={onSaved} />}
      </td>
    </tr>
  )
}

function formatObjective(ratio: number): string {
  return `${Number((ratio * 100).toFixed(4))}\u202f%`
}
