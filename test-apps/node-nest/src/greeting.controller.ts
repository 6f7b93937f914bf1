import { Controller, Get } from '@nestjs/common';
import { GreetingService } from './greeting.service.js';

@Controller()
export class GreetingController {
  constructor(private readonly greeting: GreetingService) {}

  @Get()
  greet(): string {
    return this.greeting.greet();
  }
}
