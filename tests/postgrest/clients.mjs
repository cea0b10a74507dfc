// The official clients of the browser, against the PostgREST whose address and tokens are given.
//
// In, as arguments: the address, a token of the customer's, one of the restaurant's, an id.
// Out, as JSON on one line: what each call gave.
import { PostgrestClient } from '@supabase/postgrest-js'
import { createClient } from '@supabase/supabase-js'

const [url, customer, restaurant, id] = process.argv.slice(2)

const plain = (token) =>
  new PostgrestClient(url, { schema: 'api', headers: { Authorization: `Bearer ${token}` } })

// supabase-js expects PostgREST below /rest/v1, where Supabase's gateway has it, and a socket for
// subscriptions, which Node 20 lacks and nothing here opens.
const supabase = (token) =>
  createClient(url, 'an-anon-key', {
    db: { schema: 'api' },
    auth: { persistSession: false, autoRefreshToken: false },
    realtime: { transport: class {} },
    global: {
      headers: { Authorization: `Bearer ${token}` },
      fetch: (address, options) => fetch(String(address).replace('/rest/v1', ''), options)
    }
  })

const told = {}
for (const [name, connect] of Object.entries({ plain, supabase })) {
  const order = `${id}-${name}`
  const created = await connect(customer).rpc('create_order', {
    id: order,
    customer_id: '00000000-0000-0000-0000-000000000001',
    restaurant_id: '00000000-0000-0000-0000-000000000002',
    total: 12.5
  })
  const accepted = await connect(restaurant).rpc('order_accept', { id: order, prep_minutes: 20 })
  const listed = await connect(customer)
    .from('order_instance')
    .select('id, state_value, prep_minutes')
    .eq('status', 'running')
    .eq('id', order)
  const denied = await connect(customer).rpc('order_accept', { id: order, prep_minutes: 20 })
  told[name] = {
    created: [created.status, created.data.state],
    accepted: [accepted.status, accepted.data.state_value],
    listed: listed.data.map(({ id, ...rest }) => rest),
    denied: [denied.status, denied.error.code, JSON.parse(denied.error.details).error]
  }
}
console.log(JSON.stringify(told))
