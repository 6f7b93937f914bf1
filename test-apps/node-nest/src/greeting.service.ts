import { Injectable } from '@nestjs/common';

@Injectable()
export class GreetingService {
  greet(): string {
    return 'hello from node-nest';
  }
}
