// What the official clients of the browser make of errors.
//
// In: the address as argument; on stdin, as JSON, an array of [token or null, function, arguments].
// Out, as JSON on one line: for each client an array of [HTTP status, SQLSTATE, code in the details].
import { readFileSync } from 'node:fs'
import { plain, supabase } from './connect.mjs'

const [url] = process.argv.slice(2)
const calls = JSON.parse(readFileSync(0))
const told = {}
for (const [name, connect] of Object.entries({ plain, supabase })) {
  told[name] = []
  for (const [token, fn, given] of calls) {
    const { status, error } = await connect(url, token).rpc(fn, given)
    told[name].push([status, error?.code, error?.details ? JSON.parse(error.details).error : null])
  }
}
console.log(JSON.stringify(told))
