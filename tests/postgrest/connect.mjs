// The official clients of the browser, for the schema `api` of a PostgREST and a token (or null).
import { PostgrestClient } from '@supabase/postgrest-js'
import { createClient } from '@supabase/supabase-js'

const headers = (token) => (token === null ? {} : { Authorization: `Bearer ${token}` })

export const plain = (url, token) =>
  new PostgrestClient(url, { schema: 'api', headers: headers(token) })

// supabase-js expects PostgREST below /rest/v1, where Supabase's gateway has it, and a socket for
// subscriptions, which Node 20 lacks and nothing here opens. Without a token it sends its key, which
// the gateway would have taken off.
export const supabase = (url, token) =>
  createClient(url, 'an-anon-key', {
    db: { schema: 'api' },
    auth: { persistSession: false, autoRefreshToken: false },
    realtime: { transport: class {} },
    global: {
      headers: headers(token),
      fetch: (address, options) => {
        const sent = new Headers(options.headers)
        if (token === null) sent.delete('Authorization')
        return fetch(String(address).replace('/rest/v1', ''), { ...options, headers: sent })
      }
    }
  })
