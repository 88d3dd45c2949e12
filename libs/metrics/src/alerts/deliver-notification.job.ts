import { defineJob } from '@slipway/platform';
import { z } from 'zod';

/** Makes the attempt that a delivery is due for. Its id names delivery and attempt, so that publishing it twice is harmless. */
export const deliverNotification = defineJob({
  queue: 'notifications',
  name: 'deliver-notification',
  payload: z.object({ deliveryId: z.string() }),
  // The delivery's own schedule tries again; the queue need not.
  attempts: 1,
});

/** Enqueues deliveries that are due: retries, and those whose job was lost. */
export const sweepDeliveries = defineJob({ queue: 'notifications', name: 'sweep-deliveries', payload: z.object({}), attempts: 1 });
