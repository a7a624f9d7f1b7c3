import { Button } from '@mantine/core'
import type { Pages } from '../api/use-pages'
import { Failure } from './notice'
import table from './table.module.css'

interface OlderProps {
  pages: Pick<Pages<unknown>, 'more' | 'busy' | 'error'>
  /** What they are, as in "Older changes could not be read". */
  what: string
}

/** The way to what is older, as long as there is some. */
export function Older({ pages: { more, busy, error }, what }: OlderProps) {
  return (
    <>
      {error && <Failure what={what} error={error} />}
      {more && (
        <Button className={table.older} size="compact-sm" variant="default" loading={busy} onClick={more} data-older>
          Older
        </Button>
      )}
    </>
  )
}
