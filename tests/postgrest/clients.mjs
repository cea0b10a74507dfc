// The official clients of the browser, against the PostgREST whose address and tokens are given.
//
// In, as arguments: the address, a token of the customer's, one of the restaurant's, an id.
// Out, as JSON on one line: what each call gave.
import { plain, supabase } from './connect.mjs'

const [url, customer, restaurant, id] = process.argv.slice(2)

const told = {}
for (const [name, connect] of Object.entries({ plain, supabase })) {
  const order = `${id}-${name}`
  const created = await connect(url, customer).rpc('create_order', {
    id: order,
    customer_id: '00000000-0000-0000-0000-000000000001',
    restaurant_id: '00000000-0000-0000-0000-000000000002',
    total: 12.5
  })
  const accepted = await connect(url, restaurant).rpc('order_accept', { id: order, prep_minutes: 20 })
  const listed = await connect(url, customer)
    .from('order_instance')
    .select('id, state_value, prep_minutes')
    .eq('status', 'running')
    .eq('id', order)
  const denied = await connect(url, customer).rpc('order_accept', { id: order, prep_minutes: 20 })
  told[name] = {
    created: [created.status, created.data.state],
    accepted: [accepted.status, accepted.data.state_value],
    listed: listed.data.map(({ id, ...rest }) => rest),
    denied: [denied.status, denied.error.code, JSON.parse(denied.error.details).error]
  }
}
console.log(JSON.stringify(told))
