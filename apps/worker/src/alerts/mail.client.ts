import { SlipwayError } from '@slipway/contracts';
import { createTransport } from 'nodemailer';

export interface OutgoingMail {
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** Without angle brackets. */
  readonly messageId: string;
  /** The message that began the thread. */
  readonly references?: string;
}

const connectMs = 10_000;
const socketMs = 15_000;

/** Sends mail through the operator's server. */
export class MailClient {
  private readonly transport: ReturnType<typeof createTransport>;

  constructor(
    smtpUrl: string,
    private readonly from: string,
  ) {
    const url = new URL(smtpUrl);
    const defaults = { connectionTimeout: connectMs, greetingTimeout: connectMs, socketTimeout: socketMs };
    for (const [name, value] of Object.entries(defaults)) if (!url.searchParams.has(name)) url.searchParams.set(name, String(value));
    this.transport = createTransport(url.href);
  }

  /**
   * Sends one mail; returns the recipients that the server refused while it took others.
   * @throws DELIVERY_FAILED when the server took it for nobody.
   */
  async send(mail: OutgoingMail): Promise<{ refused: number }> {
    try {
      const sent: unknown = await this.transport.sendMail({
        from: this.from,
        // Objects, not text: an address list in a text would be parsed again.
        to: mail.to.map((address) => ({ name: '', address })),
        subject: mail.subject,
        text: mail.text,
        html: mail.html,
        messageId: `<${mail.messageId}>`,
        ...(mail.references === undefined ? {} : { references: `<${mail.references}>`, inReplyTo: `<${mail.references}>` }),
        headers: { 'Auto-Submitted': 'auto-generated', Precedence: 'bulk' },
        // Nothing in a mail is fetched or read from a disk.
        disableFileAccess: true,
        disableUrlAccess: true,
      });
      const rejected: unknown = typeof sent === 'object' && sent !== null ? Reflect.get(sent, 'rejected') : undefined;
      return { refused: Array.isArray(rejected) ? rejected.length : 0 };
    } catch (error) {
      throw new SlipwayError('DELIVERY_FAILED', `The mail server did not take the notice: ${reasonOf(error)}.`, { cause: error });
    }
  }

  /** The domain of the sender, which message ids carry. */
  get domain(): string {
    return /@([A-Za-z0-9.-]+)/.exec(this.from)?.[1] ?? 'localhost';
  }

  close(): void {
    this.transport.close();
  }
}

/** The server's own words stay out: they are somebody else's text. */
function reasonOf(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  const answer: unknown = error instanceof Error ? Reflect.get(error, 'responseCode') : undefined;
  if (typeof answer === 'number') return `it answered ${answer}${typeof code === 'string' ? ` (${code})` : ''}`;
  switch (code) {
    case 'ETIMEDOUT':
      return 'no answer in time';
    case 'EDNS':
    case 'ENOTFOUND':
      return 'its name could not be resolved';
    case 'ECONNREFUSED':
    case 'ECONNECTION':
    case 'ESOCKET':
      return 'the connection failed';
    default:
      return typeof code === 'string' ? code : 'it could not be reached';
  }
}
